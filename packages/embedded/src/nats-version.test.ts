import { describe, expect, it } from 'vitest';
import { compareVersions, isSupported } from './nats-version.ts';

describe('nats-server versions', () => {
  it('compares numbers, not text', () => {
    expect(compareVersions('2.10.0', '2.9.10')).toBeGreaterThan(0);
    expect(compareVersions('2.9.9', '2.9.10')).toBeLessThan(0);
    expect(compareVersions('2.9.10', '2.9.10')).toBe(0);
  });

  it('supports 2.9.10 and everything newer', () => {
    expect(['2.9.9', '2.9.10', '2.15.1', '3.0.0'].map(isSupported)).toEqual([false, true, true, true]);
  });
});
