import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('tries until nothing is thrown, and returns the value', async () => {
    let tries = 0;
    const value = await eventually(() => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return tries;
    });
    expect(value).toBe(3);
  });

  it('tries until the value is truthy, but takes a body of assertions as it is', async () => {
    let tries = 0;
    expect(await eventually(() => ++tries === 3)).toBe(true);
    await eventually(() => expect(tries).toBe(3));
  });

  it('throws what was thrown last', async () => {
    const failing = eventually(() => Promise.reject(new Error('never')), { timeoutMs: 30, intervalMs: 5 });
    await expect(failing).rejects.toThrow('never');
    await expect(eventually(() => false, { timeoutMs: 10 })).rejects.toThrow('still false after 10 ms');
  });
});
