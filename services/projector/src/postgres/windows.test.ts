import { describe, expect, it } from 'vitest';
import type { DeliveryQuery } from '../ports.ts';
import { DAY_MS } from '../project/days.ts';
import { windowsOf } from './windows.ts';

const now = 1_000 * DAY_MS + 5_000;
const all: DeliveryQuery = {
  ...{ tenant: 'acme', webhookId: null, statuses: [], eventTypes: [], from: null, to: null },
  ...{ after: null, offset: 0, limit: 100 },
};

describe('the windows of a page', () => {
  it.each<[string, Partial<DeliveryQuery>, number, number]>([
    ['of everything', {}, 0, Number.MAX_SAFE_INTEGER],
    ['of a period', { from: now - 20 * DAY_MS, to: now - 3 * DAY_MS }, now - 20 * DAY_MS, now - 3 * DAY_MS],
    ['of a short period', { from: now - 1_000, to: now }, now - 1_000, now],
    ['of a period to come', { from: now + 9 * DAY_MS, to: now + 10 * DAY_MS }, now + 9 * DAY_MS, now + 10 * DAY_MS],
    ['after a cursor', { after: { createdAt: now - 10 * DAY_MS, id: 'x' } }, 0, now - 10 * DAY_MS + 1],
  ])('%s adjoin each other, newest first, and leave nothing out', (_, query, from, to) => {
    const windows = windowsOf({ ...all, ...query }, now);
    expect(windows[0]?.to).toBe(to);
    expect(windows.at(-1)?.from).toBe(from);
    for (const window of windows) expect(window.from).toBeLessThan(window.to);
    expect(windows.slice(1).map((window) => window.to)).toEqual(windows.slice(0, -1).map((window) => window.from));
  });

  it('begin small', () => {
    expect(windowsOf(all, now).map(({ from }) => from / DAY_MS)).toEqual([999, 993, 0]);
  });
});
