import { describe, expect, it } from 'vitest';
import type { WebhookId } from '../ids.ts';
import type { WebhookChanges } from './config.ts';
import { decide, type WebhookCommand } from './decide.ts';
import { evolve } from './evolve.ts';
import { ABSENT, type WebhookEvent, type WebhookState } from './webhook.ts';

const ID: WebhookId = 'wh_00000000000000000000000001';
const POLICY = { allowLocal: false, conditionProblem: () => null };
const VALID: WebhookChanges = { name: 'n', url: 'https://example.com/hook', eventTypes: ['crawl.page'] };

const create = (changes: WebhookChanges): WebhookCommand => ({
  type: 'create',
  at: 1,
  id: ID,
  tenant: 'acme',
  changes,
  secret: { sealed: 's1' },
  policy: POLICY,
  violations: [],
});

/** given events, when a command, then … */
const given = (events: readonly WebhookEvent[]): WebhookState => events.reduce(evolve, ABSENT);

const created = (changes: WebhookChanges = VALID): WebhookEvent[] => {
  const decided = decide(ABSENT, create(changes));
  if (!decided.ok) throw new Error(JSON.stringify(decided.error));
  return decided.value;
};

const fieldsOf = (command: WebhookCommand, state: WebhookState = ABSENT): string[] => {
  const decided = decide(state, command);
  if (decided.ok || decided.error.kind !== 'invalid') return [];
  return decided.error.violations.map(({ field }) => field);
};

describe('deciding about webhooks', () => {
  it('AC-02 fills in the documented defaults', () => {
    expect(created()).toMatchObject([
      {
        type: 'created',
        config: {
          scope: 'all',
          timeoutSeconds: 10,
          maxRetries: 3,
          backoffMultiplier: 2,
          description: null,
          customHeaders: {},
          tags: [],
          metadata: {},
        },
      },
    ]);
  });

  it('AC-02 AC-04 names every field that is missing', () => {
    expect(fieldsOf(create({}))).toEqual(['name', 'webhook_url', 'event_types']);
  });

  const bad: [string, WebhookChanges, string][] = [
    ['an empty name', { name: '' }, 'name'],
    ['a name of spaces', { name: '   ' }, 'name'],
    ['a name with control characters', { name: 'a\u001b[2J' }, 'name'],
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 'name'],
    ['an unknown event type', { eventTypes: ['crawl.page', 'nope'] }, 'event_types[1]'],
    ['a time-out of 0', { timeoutSeconds: 0 }, 'timeout_seconds'],
    ['a time-out of 61', { timeoutSeconds: 61 }, 'timeout_seconds'],
    ['a fractional time-out', { timeoutSeconds: 1.5 }, 'timeout_seconds'],
    ['11 retries', { maxRetries: 11 }, 'max_retries'],
    ['a negative number of retries', { maxRetries: -1 }, 'max_retries'],
    ['a multiplier below 1', { backoffMultiplier: 0.5 }, 'retry_backoff_multiplier'],
    ['a multiplier that is no number', { backoffMultiplier: Number.NaN }, 'retry_backoff_multiplier'],
    ['a rate limit of 0', { rateLimitPerSecond: 0 }, 'rate_limit_per_second'],
    ['a rate limit of 10,001 a second', { rateLimitPerSecond: 10_001 }, 'rate_limit_per_second'],
    ['a time to live of 0', { messageTtlSeconds: 0 }, 'message_ttl_seconds'],
    ['a time to live of half a second', { messageTtlSeconds: 0.5 }, 'message_ttl_seconds'],
    ['a time to live longer than bodies are kept', { messageTtlSeconds: 604_801 }, 'message_ttl_seconds'],
    ['a URL of another scheme', { url: 'ftp://example.com' }, 'webhook_url'],
    ['a relative URL', { url: '/hook' }, 'webhook_url'],
    ['a header with a line break', { customHeaders: { 'X-A': 'a\r\nb: c' } }, 'custom_headers.X-A'],
    ['a header of the connection', { customHeaders: { 'Content-Length': '1' } }, 'custom_headers.Content-Length'],
    ['a header name with a space', { customHeaders: { 'X A': '1' } }, 'custom_headers.X A'],
    ['such a header with a bad value', { customHeaders: { Host: 'a\r\nb' } }, 'custom_headers.Host'],
    ['such a header in two cases', { customHeaders: { Host: 'a', HOST: 'b' } }, 'custom_headers.Host'],
    ['a bad name with a bad value', { customHeaders: { 'X A': 'a\r\nb' } }, 'custom_headers.X A'],
    ['one header in two cases', { customHeaders: { 'X-A': '1', 'x-a': '2' } }, 'custom_headers.x-a'],
    ['an empty tag', { tags: [''] }, 'tags[0]'],
    ['metadata of 20 kB', { metadata: { a: 'x'.repeat(20_000) } }, 'metadata'],
  ];
  it.each(bad)('AC-02 AC-04 refuses %s', (_what, changes, field) => {
    expect(fieldsOf(create({ ...VALID, ...changes }))).toEqual([field]);
  });

  it('AC-02 allows 20 custom headers and refuses 21', () => {
    const headers = (n: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`X-${i}`, 'v']));
    expect(fieldsOf(create({ ...VALID, customHeaders: headers(20) }))).toEqual([]);
    expect(fieldsOf(create({ ...VALID, customHeaders: headers(21) }))).toEqual(['custom_headers']);
  });

  it('AC-02 accepts *, families and fractional multipliers', () => {
    expect(fieldsOf(create({ ...VALID, eventTypes: ['*', 'crawl.*', 'ACTOR.RUN.*'], backoffMultiplier: 1.5 }))).toEqual(
      [],
    );
  });

  it('takes a fractional rate limit, a time to live and an order, and none where none is given', () => {
    const own = { rateLimitPerSecond: 0.5, messageTtlSeconds: 60, ordering: 'strict' } as const;
    expect(created({ ...VALID, ...own })).toMatchObject([{ config: own }]);
    expect(created()).toMatchObject([
      { config: { rateLimitPerSecond: null, messageTtlSeconds: null, ordering: 'none' } },
    ]);
  });

  it('FC-08 a schedule says how many retries there are, and null is the profile’s own', () => {
    const configOf = (changes: WebhookChanges, events: readonly WebhookEvent[] = []) => {
      const update = { type: 'update', at: 2, changes, policy: POLICY, violations: [] } as const;
      const command = events.length === 0 ? create({ ...VALID, profile: 'firecrawl', ...changes }) : update;
      const decided = decide(given(events), command);
      return decided.ok ? decided.value : [];
    };
    const own = { retryDelaysSeconds: [60, 300, 900], maxRetries: 3 };
    expect(configOf({})).toMatchObject([{ config: own }]);
    expect(configOf({ retryDelaysSeconds: null })).toMatchObject([{ config: own }]);
    const short = configOf({ retryDelaysSeconds: [5] });
    expect(short).toMatchObject([{ config: { retryDelaysSeconds: [5], maxRetries: 1 } }]);
    expect(configOf({ retryDelaysSeconds: null }, short)).toMatchObject([{ config: own }]);
    expect(configOf({ retryDelaysSeconds: [5, 6] }, short)).toMatchObject([{ config: { maxRetries: 2 } }]);
    expect(configOf({ retryDelaysSeconds: [5, 6], maxRetries: 9 }, short)).toMatchObject([
      { config: { maxRetries: 9 } },
    ]);
  });

  it("AC-04 asks for task ids when the scope is 'specific', on create and on update", () => {
    expect(fieldsOf(create({ ...VALID, scope: 'specific' }))).toEqual(['specific_task_ids']);
    const update: WebhookCommand = {
      type: 'update',
      at: 2,
      changes: { scope: 'specific' },
      policy: POLICY,
      violations: [],
    };
    expect(fieldsOf(update, given(created()))).toEqual(['specific_task_ids']);
  });

  it('FC-06 makes nothing anew of what is there already', () => {
    expect(decide(given(created()), create(VALID))).toEqual({ ok: true, value: [] });
  });

  it('AC-06 changes only what an update names', () => {
    const state = given(created());
    const decided = decide(state, {
      type: 'update',
      at: 2,
      changes: { name: 'other' },
      policy: POLICY,
      violations: [],
    });
    expect(decided).toMatchObject({
      ok: true,
      value: [{ config: { name: 'other', url: 'https://example.com/hook' } }],
    });
  });

  it('AC-06 does not check again what an update leaves alone', () => {
    // Made while private addresses were allowed; renaming it must still work.
    const local = decide(ABSENT, {
      ...create({ ...VALID, url: 'http://127.0.0.1/' }),
      policy: { ...POLICY, allowLocal: true },
    } as WebhookCommand);
    if (!local.ok) throw new Error('must be allowed');
    const renamed = decide(given(local.value), {
      type: 'update',
      at: 2,
      changes: { name: 'x' },
      policy: POLICY,
      violations: [],
    });
    expect(renamed.ok).toBe(true);
  });

  it('AC-06 ST-02 rotates with an overlap in which both secrets are in force', () => {
    const rotate = { type: 'rotate_secret', at: 100, secret: { sealed: 's2' }, overlapMs: 50 } as const;
    const decided = decide(given(created()), rotate);
    expect(decided).toMatchObject({
      value: [
        {
          secrets: [
            { sealed: 's2', expiresAt: null },
            { sealed: 's1', expiresAt: 150 },
          ],
        },
      ],
    });
    const none = decide(given(created()), { ...rotate, overlapMs: 0 });
    expect(none).toMatchObject({ value: [{ secrets: [{ sealed: 's2' }] }] });
    expect(fieldsOf({ ...rotate, overlapMs: 8 * 86_400_000 }, given(created()))).toEqual(['overlap_seconds']);
  });

  it('AC-07 a second deletion finds nothing', () => {
    const deleted = given([...created(), { type: 'deleted', at: 2 }]);
    expect(decide(deleted, { type: 'delete', at: 3 })).toEqual({ ok: false, error: { kind: 'not_found' } });
  });

  it('AC-08 activation sets the failures to 0', () => {
    const failing = given([
      ...created(),
      { type: 'auto_disabled', at: 2, health: { consecutiveFailures: 10, coveredSequence: 9 }, detail: 'd' },
    ]);
    const decided = decide(failing, { type: 'activate', at: 3 });
    expect(decided.ok && decided.value.reduce(evolve, failing)).toMatchObject({
      webhook: { status: { kind: 'active' }, health: { consecutiveFailures: 0, coveredSequence: 9 } },
    });
  });

  it('AC-08 activating what is active and healthy changes nothing', () => {
    expect(decide(given(created()), { type: 'activate', at: 2 })).toEqual({ ok: true, value: [] });
  });
});
