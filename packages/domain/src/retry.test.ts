import { describe, expect, it } from 'vitest';
import { exponentialBackoffMs, LANES, laneFor, MAX_BACKOFF_MS } from './retry.ts';

const MINUTE = 60_000;

describe('when to try again', () => {
  it('AC-17 after 1, 2 and 4 minutes by default', () => {
    expect([1, 2, 3].map((n) => exponentialBackoffMs(2, n))).toEqual([MINUTE, 2 * MINUTE, 4 * MINUTE]);
  });

  it('AC-17 by any multiplier, fractional ones included, and never later than a day', () => {
    expect(exponentialBackoffMs(1, 10)).toBe(MINUTE);
    expect(exponentialBackoffMs(1.5, 3)).toBe(2.25 * MINUTE);
    expect(exponentialBackoffMs(10, 10)).toBe(MAX_BACKOFF_MS);
  });

  it('reaches any delay by greedy hops, overshooting by less than the shortest lane', () => {
    for (const wait of [1, 999, 10_000, 135_000, 3 * 3_600_000 + 17_500, MAX_BACKOFF_MS]) {
      let left = wait;
      let hops = 0;
      for (; left > 0; hops++) left -= laneFor(left, 1).delayMs;
      expect(left).toBeGreaterThan(-1_000);
      expect(hops).toBeLessThan(30);
    }
  });

  it('scales lanes with time', () => {
    expect(laneFor(1_000, 60).name).toBe('1m');
    expect(laneFor(1_000, 1).name).toBe('1s');
  });

  it('lists lanes longest first, as the search needs them', () => {
    const delays = LANES.map(({ delayMs }) => delayMs);
    expect(delays).toEqual(delays.toSorted((a, b) => b - a));
  });
});
