import { FakeClock } from '@grapnel/testkit/fake-clock';
import { describe, expect, it } from 'vitest';
import { type TurnKind, WorkInProgress } from './work-in-progress.ts';

const BOUNDS = { initial: 4, min: 2, max: 64 };

/** Turns that end when the test says so, on a process that is as busy as it says. */
function bench(bounds = BOUNDS) {
  const clock = new FakeClock();
  const state = { busyness: 1 };
  const work = new WorkInProgress(clock, () => state.busyness, bounds);
  const begun: { readonly name: string; readonly end: () => void }[] = [];
  const take = (kind: TurnKind, name = ''): Promise<void> =>
    work.run(kind, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push({ name, end: resolve });
      return promise;
    });
  return { clock, state, work, begun, take };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('how many turns are taken at once', () => {
  it('is bounded; those that wait begin in their order as others end', async () => {
    const { work, begun, take } = bench();
    for (let n = 0; n < 7; n++) void take('first', `${n}`);
    expect([begun.length, work.waiting]).toEqual([4, 3]);
    begun[1]?.end();
    begun[0]?.end();
    await settled();
    expect(begun.map(({ name }) => name)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(work.waiting).toBe(1);
  });

  it('goes on after a turn that failed', async () => {
    const { work, begun, take } = bench({ ...BOUNDS, initial: 1 });
    const failing = work.run('first', () => Promise.reject(new Error('a bug')));
    void take('first', 'next');
    await expect(failing).rejects.toThrow('a bug');
    await settled();
    expect(begun.map(({ name }) => name)).toEqual(['next']);
  });

  it('falls to its least while the process is busy, and not below', async () => {
    const { clock, work, take } = bench();
    for (let n = 0; n < 20; n++) void take('first');
    await clock.advance(60_000);
    expect(work.limit).toBe(BOUNDS.min);
  });

  it('rises while the process waits for others, until nothing waits here', async () => {
    const { clock, state, work, begun, take } = bench();
    state.busyness = 0.1;
    for (let n = 0; n < 40; n++) void take('first');
    await clock.advance(500);
    expect([begun.length, work.waiting]).toEqual([40, 0]);
    const reached = work.limit;
    await clock.advance(60_000);
    expect(work.limit).toBe(reached);
    expect(clock.pending).toBe(0);
  });

  it('never rises past its most', async () => {
    const { clock, state, work, take } = bench();
    state.busyness = 0;
    for (let n = 0; n < 1_000; n++) void take('first');
    await clock.advance(490);
    expect([work.limit, work.waiting]).toEqual([64, 936]);
  });

  it('does not count those that wait for somebody: however many hang, others have their places', async () => {
    const { clock, state, work, begun, take } = bench();
    state.busyness = 0.5;
    for (let n = 0; n < 200; n++) void take('first', 'hangs');
    await clock.advance(2_000);
    void take('first', 'healthy');
    await clock.advance(600);
    expect([begun.at(-1)?.name, begun.length, work.waiting]).toEqual(['healthy', 201, 0]);
    for (const { end } of begun) end();
    await settled();
    for (let n = 0; n < 65; n++) void take('first', 'next');
    expect([begun.length, work.waiting]).toEqual([201 + 64, 1]);
  });

  it('counts them while the process is busy, which may be all that they wait for', async () => {
    const { clock, state, begun, take } = bench({ ...BOUNDS, min: 4 });
    state.busyness = 0.98;
    for (let n = 0; n < 20; n++) void take('first');
    await clock.advance(60_000);
    expect(begun).toHaveLength(4);
  });
});

describe('which turns begin', () => {
  it('are those of the kind that has least of its share', async () => {
    const { work, begun, take } = bench({ initial: 7, min: 7, max: 7 });
    for (let n = 0; n < 50; n++) void take('first', 'first');
    for (let n = 0; n < 50; n++) void take('due', 'due');
    for (let n = 0; n < 50; n++) void take('bulk', 'bulk');
    // One after the other ends, whichever began first.
    for (let n = 0; n < 70; n++) {
      begun[n]?.end();
      await settled();
    }
    const among = (kind: string): number => begun.slice(70, 77).filter(({ name }) => name === kind).length;
    expect([among('first'), among('due'), among('bulk')]).toEqual([4, 2, 1]);
    expect(work.waiting).toBe(150 - 77);
  });

  it('may be all of one kind while no other waits', () => {
    const { work, begun, take } = bench();
    for (let n = 0; n < 4; n++) void take('bulk', 'bulk');
    expect([begun.length, work.waiting]).toEqual([4, 0]);
  });
});
