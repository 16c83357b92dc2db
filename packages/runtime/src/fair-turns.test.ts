import { expect, it } from 'vitest';
import { FairTurns, TooManyWaiting } from './fair-turns.ts';

/** Work that ends when it is told to. */
class Bench {
  readonly turns: FairTurns<string>;
  readonly begun: string[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(places: number, waitingOfOne = 100) {
    this.turns = new FairTurns({ places, waitingOfOne });
  }

  ask(holder: string): Promise<void> {
    const work = () => {
      this.begun.push(holder);
      return new Promise<void>((resolve) => this.#ends.push(resolve));
    };
    return this.turns.take(holder, work);
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise(setImmediate);
  }
}

it('takes holders by turns, each of theirs in order, and leaves a place to others', async () => {
  const bench = new Bench(3);
  const all = ['a', 'a', 'a', 'a', 'b', 'c', 'b'].map((holder) => bench.ask(holder));
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['a', 'a', 'b']);
  for (let n = 0; n < 7; n++) await bench.endOne();
  expect(bench.begun).toEqual(['a', 'a', 'b', 'a', 'b', 'c', 'a']);
  await Promise.all(all);
});

it('lets others in at once beside one that has all it may', async () => {
  const bench = new Bench(4);
  const all = ['a', 'a', 'a', 'a', 'a'].map((holder) => bench.ask(holder));
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['a', 'a', 'a']);
  all.push(bench.ask('b'));
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['a', 'a', 'a', 'b']);
  for (let n = 0; n < 6; n++) await bench.endOne();
  await Promise.all(all);
});

it('refuses who has too many in line, and nobody else', async () => {
  const bench = new Bench(1, 2);
  const all = ['a', 'a', 'a'].map((holder) => bench.ask(holder));
  await expect(bench.ask('a')).rejects.toBeInstanceOf(TooManyWaiting);
  all.push(bench.ask('b'));
  for (let n = 0; n < 4; n++) await bench.endOne();
  await Promise.all(all);
  expect(bench.begun).toEqual(['a', 'a', 'b', 'a']);
});

it('hands the place on after a failure', async () => {
  const bench = new Bench(1);
  const first = bench.turns.take('a', () => Promise.reject(new Error('broken')));
  const second = bench.ask('b');
  await expect(first).rejects.toThrow('broken');
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['b']);
  await bench.endOne();
  await second;
});
