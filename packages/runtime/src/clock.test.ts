import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';

describe('sleeping', () => {
  it('ends after its time', async () => {
    const began = systemClock.monotonic();
    await systemClock.sleep(20, new AbortController().signal);
    expect(systemClock.monotonic() - began).toBeGreaterThanOrEqual(19);
  });

  it('ends for everybody with the reason of the signal, for which all have one listener', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const short = systemClock.sleep(1, stop.signal);
    const long = Array.from({ length: 50 }, () => systemClock.sleep(60_000, stop.signal));
    await short;
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    stop.abort(reason);
    const ends = await Promise.allSettled(long);
    expect(ends.map((end) => end.status === 'rejected' && end.reason === reason)).toEqual(long.map(() => true));
  });

  it('leaves no listener behind, by which a signal made of others would live on', async () => {
    const { signal } = new AbortController();
    await Promise.all([systemClock.sleep(1, signal), systemClock.sleep(2, signal)]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const again = new AbortController();
    const sleep = systemClock.sleep(60_000, again.signal);
    again.abort(new Error('now'));
    await expect(sleep).rejects.toThrow('now');
    expect(getEventListeners(again.signal, 'abort')).toEqual([]);
  });

  it('does not begin after the signal', async () => {
    await expect(systemClock.sleep(60_000, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });
});
