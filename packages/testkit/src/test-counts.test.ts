import { describe, expect, it } from 'vitest';
import { addCounts, formatCounts } from './test-counts.ts';

describe('the line of counts', () => {
  it('mentions skipped tests only when there are some', () => {
    const counts = { passed: 3, failed: 0, skipped: 0 };
    expect(formatCounts(counts)).toBe('3 passed, 0 failed');
    expect(formatCounts(addCounts(counts, { passed: 0, failed: 1, skipped: 2 }))).toBe('3 passed, 1 failed, 2 skipped');
  });
});
