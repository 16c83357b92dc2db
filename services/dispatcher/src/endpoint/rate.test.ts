import { describe, expect, it } from 'vitest';
import { Rate } from './rate.ts';

describe('a rate', () => {
  it('lets attempts leave evenly, without a burst after a pause', () => {
    const rate = new Rate();
    const left: number[] = [];
    for (let now = 60_000; now < 61_000; now++) {
      if (rate.waitMs(now, 10) > 0) continue;
      rate.spend(now, 10);
      left.push(now);
    }
    expect(left).toHaveLength(10);
    expect(Math.min(...left.slice(1).map((at, i) => at - (left[i] ?? 0)))).toBe(100);
  });

  it('may be less than one a second', () => {
    const rate = new Rate();
    rate.spend(0, 0.1);
    expect(rate.waitMs(5_000, 0.1)).toBe(5_000);
  });

  it('makes up for late timers at high rates', () => {
    const rate = new Rate();
    let left = 0;
    for (let now = 1_000; now < 2_000; now += 5) {
      while (rate.waitMs(now, 1_000) === 0) {
        rate.spend(now, 1_000);
        left++;
      }
    }
    expect(left).toBeGreaterThanOrEqual(990);
    expect(left).toBeLessThanOrEqual(1_015);
  });
});
