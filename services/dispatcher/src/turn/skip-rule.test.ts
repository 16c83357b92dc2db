import type { Delivery, Turn } from '@grapnel/domain/delivery/delivery';
import { FIRST_TURN } from '@grapnel/domain/delivery/delivery';
import { profileOf } from '@grapnel/domain/profiles/registry';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { isTooOld, skipReason } from './skip-rule.ts';

const MADE_AT = 1_000_000;
const TTL_MS = 60_000;

const endpoint = {
  id: 'wh_00000000000000000000000001',
  tenant: 'acme',
  profile: profileOf('standard'),
  inactive: null,
  lastAutoDisabledAt: null,
  messageTtlMs: TTL_MS,
} as unknown as Endpoint;

const delivery: Delivery = {
  id: 'dlv_00000000000000000000000001',
  tenant: 'acme',
  webhookId: endpoint.id,
  eventId: 'e1',
  eventType: 'crawl.page',
  jobId: null,
  taskId: null,
  eventTime: 1,
  createdAt: MADE_AT,
  test: false,
  bodyBytes: 2,
  webhookRevision: 1,
};

/** Given an endpoint and a delivery, when its turn comes after so long, then … */
const after = (ms: number, given: { endpoint?: object; delivery?: object; turn?: Turn; timeScale?: number } = {}) =>
  skipReason({ ...endpoint, ...given.endpoint }, { ...delivery, ...given.delivery }, given.turn ?? FIRST_TURN, {
    now: MADE_AT + ms,
    timeScale: given.timeScale ?? 1,
  });

describe('the time to live of a delivery', () => {
  it('ends when the delivery is as old as its webhook says', () => {
    expect(after(TTL_MS - 1)).toBeNull();
    expect(after(TTL_MS)).toBe('too_old');
  });

  it('ends for a retry as it does for a first attempt', () => {
    expect(after(TTL_MS, { turn: { round: 0, attempt: 3 } })).toBe('too_old');
  });

  it('begins anew with a replay', () => {
    const turn = { round: MADE_AT + 10 * TTL_MS, attempt: 1 };
    expect(after(11 * TTL_MS - 1, { turn })).toBeNull();
    expect(after(11 * TTL_MS, { turn })).toBe('too_old');
  });

  it('is none where the webhook has none, and none for tests', () => {
    expect(after(1_000 * TTL_MS, { endpoint: { messageTtlMs: null } })).toBeNull();
    expect(after(1_000 * TTL_MS, { delivery: { test: true } })).toBeNull();
  });

  it('says nothing where another reason comes first', () => {
    expect(after(TTL_MS, { endpoint: { inactive: 'deactivated' } })).toBe('webhook_deactivated');
    expect(after(TTL_MS, { endpoint: { lastAutoDisabledAt: MADE_AT + 1 } })).toBe('webhook_auto_disabled');
  });

  it('is as much shorter as every wait is', () => {
    expect(after(TTL_MS / 60 - 1, { timeScale: 60 })).toBeNull();
    expect(after(TTL_MS / 60, { timeScale: 60 })).toBe('too_old');
  });

  it('is asked for the time of a retry before the retry is waited for', () => {
    const at = (now: number): boolean => isTooOld(endpoint, delivery, FIRST_TURN, { now, timeScale: 1 });
    expect([at(MADE_AT + TTL_MS - 1), at(MADE_AT + TTL_MS)]).toEqual([false, true]);
  });
});
