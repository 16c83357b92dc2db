import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';

describe('FakeClock', () => {
  it('runs timers in order of time, each at its own moment', async () => {
    const clock = new FakeClock(1_000);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b at ${clock.now()}`));
    clock.after(10, () => {
      seen.push(`a at ${clock.now()}`);
      clock.after(5, () => seen.push(`nested at ${clock.now()}`));
    });
    clock.after(20, () => seen.push('b2'));
    clock.after(30, () => seen.push('late')).cancel();
    await clock.advance(25);
    expect(seen).toEqual(['a at 1010', 'nested at 1015', 'b at 1020', 'b2']);
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1_025, 25, 0]);
  });

  it('lets a loop of sleeps run through', async () => {
    const clock = new FakeClock();
    let rounds = 0;
    const loop = (async () => {
      for (; rounds < 5; rounds += 1) await clock.sleep(1_000);
    })();
    await clock.advance(5_000);
    await loop;
    expect(rounds).toBe(5);
  });

  it('ends a sleep with the reason of its signal', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(1_000, abort.signal);
    abort.abort(new Error('stop'));
    await expect(sleeping).rejects.toThrow('stop');
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow('stop');
    expect(clock.pending).toBe(0);
  });
});
