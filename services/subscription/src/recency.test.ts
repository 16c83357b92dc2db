import { FakeClock } from '@grapnel/testkit/fake-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { confirmation, Recency } from './recency.ts';

describe('recency', () => {
  let clock: FakeClock;
  let looks: number;
  /** A stream that answers after a while, and what is known of it. */
  let lookMs: number;
  let stored: number;
  let known: number;
  let broken: Error | null;
  beforeEach(() => {
    clock = new FakeClock();
    looks = 0;
    lookMs = 2;
    stored = 0;
    known = 0;
    broken = null;
  });
  const caughtUp = async (): Promise<void> => {
    looks++;
    if (broken !== null) throw broken;
    const seen = stored;
    await clock.sleep(lookMs);
    known = Math.max(known, seen);
  };
  /** Lets a look end. */
  const settled = (waiting: Promise<void> | null) => Promise.all([waiting, clock.advance(lookMs + 1)]);

  it.each([1, 2, 12, 39, 41, 90, 400])(
    'knows what was confirmed before, where a look takes %i ms, however events and changes follow each other',
    async (ms) => {
      lookMs = ms;
      const recency = new Recency(clock, caughtUp);
      let promised = 0;
      const events: { readonly promised: number; readonly known: number }[] = [];
      const pending: Promise<unknown>[] = [];
      const change = async (): Promise<void> => {
        const position = ++stored;
        await confirmation(clock);
        promised = Math.max(promised, position);
      };
      const event = async (): Promise<void> => {
        const before = promised;
        await recency.wait();
        events.push({ promised: before, known });
      };
      for (let t = 0; t < 3_000; t++) {
        if (t % 7 === 0) pending.push(change());
        if (t % 3 === 0 || t % 101 < 20) pending.push(event());
        await clock.advance(1);
      }
      await clock.advance(2_000);
      await Promise.all(pending);
      expect(events.length).toBeGreaterThan(1_000);
      expect(promised).toBe(stored);
      expect(events.filter((each) => each.known < each.promised)).toEqual([]);
    },
  );

  it('looks from time to time, not for every event', async () => {
    const recency = new Recency(clock, caughtUp);
    await settled(recency.wait());
    for (let t = 0; t < 1_000; t++) {
      expect(recency.wait()).toBeNull();
      await clock.advance(1);
    }
    expect(looks).toBeLessThan(100);
    await clock.advance(40);
    expect(recency.wait()).not.toBeNull();
  });

  it('has slept when the clock on the wall says so', async () => {
    let slept = 0;
    const sleepy = Object.assign(Object.create(clock) as FakeClock, {
      now: () => clock.now() + slept,
      monotonic: () => clock.monotonic(),
    });
    const recency = new Recency(sleepy, caughtUp);
    await settled(recency.wait());
    expect(recency.wait()).toBeNull();
    slept = 60_000;
    expect(recency.wait()).not.toBeNull();
  });

  it('fails those that wait, and none who need not, while no look succeeds', async () => {
    const recency = new Recency(clock, caughtUp);
    await settled(recency.wait());
    broken = new Error('away');
    await clock.advance(20);
    expect(recency.wait()).toBeNull();
    await clock.advance(30);
    await expect(settled(recency.wait())).rejects.toThrow('away');
    broken = null;
    await settled(recency.wait());
    expect(recency.wait()).toBeNull();
  });
});
