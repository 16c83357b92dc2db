import { expect, it } from 'vitest';
import { FairTurns, TooManyWaiting } from './fair-turns.ts';

const never = new AbortController().signal;

/** Work that ends when it is told to. */
class Bench {
  readonly turns: FairTurns<string>;
  readonly begun: string[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(places: number, waitingOfOne = 100) {
    this.turns = new FairTurns({ places, waitingOfOne });
  }

  ask(holder: string, signal = never): Promise<void> {
    const work = () => {
      this.begun.push(holder);
      return new Promise<void>((resolve) => this.#ends.push(resolve));
    };
    return this.turns.take(holder, work, signal);
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise(setImmediate);
  }
}

it('takes holders by turns, each of theirs in order', async () => {
  const bench = new Bench(2);
  const all = ['a', 'a', 'a', 'a', 'b', 'c', 'b'].map((holder) => bench.ask(holder));
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['a', 'a']);
  for (let n = 0; n < 7; n++) await bench.endOne();
  expect(bench.begun).toEqual(['a', 'a', 'a', 'b', 'c', 'a', 'b']);
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

it('passes over who has gone meanwhile, and hands the place on after a failure', async () => {
  const bench = new Bench(1);
  const first = bench.turns.take('a', () => Promise.reject(new Error('broken')), never);
  const gone = new AbortController();
  const impatient = bench.ask('a', gone.signal);
  const patient = bench.ask('b');
  gone.abort(new Error('hung up'));
  await expect(first).rejects.toThrow('broken');
  await expect(impatient).rejects.toThrow('hung up');
  await new Promise(setImmediate);
  expect(bench.begun).toEqual(['b']);
  await bench.endOne();
  await patient;
});
