import { describe, expect, it } from 'vitest';
import { afterAnswerIn, afterTrouble, initialLimit, type Limit } from './limit.ts';

const BOUNDS = { initial: 16, max: 64 };

const answers = (limit: Limit, count: number, ms: number, full = true): Limit =>
  count === 0 ? limit : answers(afterAnswerIn(limit, ms, full, BOUNDS.max), count - 1, ms, full);

describe('the limit of attempts at once', () => {
  it('grows by one a round trip while answers are fast and all places are taken, up to its bound', () => {
    const limit = initialLimit(BOUNDS);
    expect(answers(limit, 17, 5).value).toBeGreaterThan(17);
    expect(answers(limit, 17, 5).value).toBeLessThan(17.1);
    expect(answers(limit, 5_000, 5).value).toBe(64);
  });

  it('stays where it is while places are free', () => {
    expect(answers(initialLimit(BOUNDS), 100, 5, false).value).toBe(16);
  });

  it('shrinks gently while answers take much longer than the best, but not below a few', () => {
    const known = answers(initialLimit(BOUNDS), 10, 30);
    expect(answers(known, 30, 500).value).toBeLessThan(16);
    expect(answers(known, 1_000, 500).value).toBeGreaterThanOrEqual(4);
  });

  it('shrinks by a third without an answer, once for all that were under way, and never below one', () => {
    const once = afterTrouble(initialLimit(BOUNDS), 100, 200);
    expect(once.value).toBeCloseTo(10.56);
    expect(afterTrouble(once, 150, 210)).toBe(once);
    let limit = once;
    for (let now = 300; now < 5_000; now += 100) limit = afterTrouble(limit, now, now);
    expect(limit.value).toBe(1);
  });

  it('keeps to a lower bound that is configured', () => {
    expect(initialLimit({ initial: 16, max: 2 }).value).toBe(2);
  });
});
