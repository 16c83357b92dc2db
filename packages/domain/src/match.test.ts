import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WebhookId } from './ids.ts';
import { type Holds, judge, MatchIndex } from './match.ts';
import { err, ok } from './result.ts';
import { DEFAULTS, type WebhookConfig } from './webhook/config.ts';
import type { Webhook } from './webhook/webhook.ts';

function webhook(id: number, config: Partial<WebhookConfig>, active = true, tenant = 'acme'): Webhook {
  return {
    id: `wh_${String(id).padStart(26, '0')}`,
    tenant,
    config: { ...DEFAULTS, name: 'n', url: 'https://example.com', eventTypes: ['*'], ...config },
    secrets: [],
    status: active ? { kind: 'active' } : { kind: 'inactive', reason: 'deactivated', since: 0, detail: 'd' },
    health: { consecutiveFailures: 0, coveredSequence: 0 },
    lastAutoDisabledAt: null,
    createdAt: 0,
    updatedAt: 0,
  };
}

/** Conditions of these tests are their own answers. */
const holds: Holds = (condition) => (condition === 'fails' ? err('no such field') : ok(condition === 'true'));
const never: Holds = () => {
  throw new Error('no condition is asked here');
};

describe('which webhooks want an event', () => {
  it('AC-19 of scope specific: only those that list its task', () => {
    const index = new MatchIndex();
    const specific = webhook(1, { scope: 'specific', taskIds: ['t1', 't2'], eventTypes: ['task.executed'] });
    index.put(specific);
    expect(index.match('acme', { type: 'task.executed', taskId: 't2', jobId: null }, never)).toEqual([specific.id]);
    expect(index.match('acme', { type: 'task.executed', taskId: 't3', jobId: null }, never)).toEqual([]);
    expect(index.match('acme', { type: 'task.executed', taskId: null, jobId: null }, never)).toEqual([]);
  });

  it('AC-01 never another tenant', () => {
    const index = new MatchIndex();
    index.put(webhook(1, {}, true, 'other'));
    expect(index.match('acme', { type: 'crawl.page', taskId: null, jobId: null }, never)).toEqual([]);
  });

  it('AC-02 by type, family and star, each webhook once', () => {
    const index = new MatchIndex();
    index.put(webhook(1, { eventTypes: ['crawl.page', 'crawl.*', '*'] }));
    index.put(webhook(2, { eventTypes: ['ACTOR.*'] }));
    expect(index.match('acme', { type: 'crawl.page', taskId: null, jobId: null }, never)).toHaveLength(1);
    expect(index.match('acme', { type: 'ACTOR.RUN.FAILED', taskId: null, jobId: null }, never)).toHaveLength(2);
  });

  it('FC-06 of a job alone those that are attached to it, and knows them all', () => {
    const index = new MatchIndex();
    const mine = webhook(1, { jobId: 'j1', eventTypes: ['crawl.page'] });
    index.put(mine);
    expect(index.match('acme', { type: 'crawl.page', taskId: null, jobId: 'j1' }, never)).toEqual([mine.id]);
    expect(index.match('acme', { type: 'crawl.page', taskId: null, jobId: 'j2' }, never)).toEqual([]);
    expect(index.ofJob('acme', 'j1')).toEqual([mine.id]);
    expect(index.ofJob('other', 'j1')).toEqual([]);
    index.remove(mine.id);
    expect(index.ofJob('acme', 'j1')).toEqual([]);
  });

  it('says nothing of operations to those who want everything', () => {
    const index = new MatchIndex();
    index.put(webhook(1, { eventTypes: ['*'] }));
    const named = webhook(2, { eventTypes: ['webhook.auto_disabled'] });
    index.put(named);
    expect(index.match('acme', { type: 'webhook.auto_disabled', taskId: null, jobId: null }, never)).toEqual([
      named.id,
    ]);
  });

  it('ST-07 answers for all what the rule says for one, after any changes', () => {
    const config = fc.record({
      eventTypes: fc.uniqueArray(fc.constantFrom('*', 'crawl.*', 'crawl.page', 'task.failed', 'ACTOR.RUN.*'), {
        minLength: 1,
      }),
      scope: fc.constantFrom('all' as const, 'specific' as const),
      taskIds: fc.uniqueArray(fc.constantFrom('t1', 't2')),
      jobId: fc.constantFrom('j1', null),
      eventTags: fc.subarray(['red', 'green']),
      condition: fc.constantFrom('true', 'false', 'fails', null),
    });
    const change = fc.record({ id: fc.nat(4), config, active: fc.boolean(), remove: fc.boolean() });
    const event = fc.record({
      type: fc.constantFrom('crawl.page', 'task.failed', 'ACTOR.RUN.FAILED', 'scrape.failed'),
      taskId: fc.constantFrom('t1', 't2', 't3', null),
      jobId: fc.constantFrom('j1', 'j2', null),
      tags: fc.subarray(['red', 'green']),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), event, (changes, asked) => {
        const index = new MatchIndex();
        const present = new Map<WebhookId, Webhook>();
        for (const { id, config: made, active, remove } of changes) {
          const changed = webhook(id, made, active);
          if (remove) {
            present.delete(changed.id);
            index.remove(changed.id);
          } else {
            present.set(changed.id, changed);
            index.put(changed);
          }
        }
        const expected = [...present.values()]
          .filter((each) => judge(each, asked, holds).kind === 'matched')
          .map(({ id }) => id);
        expect(index.match('acme', asked, holds).toSorted()).toEqual(expected.toSorted());
      }),
    );
  });
});

it('ST-07 asks conditions in an order that does not depend on what happened to the webhooks', () => {
  const asked = (order: readonly number[]): string[] => {
    const index = new MatchIndex();
    for (const n of order) index.put(webhook(n, { condition: `${n}` }));
    const conditions: string[] = [];
    index.match('acme', { type: 'crawl.page', taskId: null, jobId: null }, (condition) => {
      conditions.push(condition);
      return ok(true);
    });
    return conditions;
  };
  expect(asked([3, 1, 2])).toEqual(['1', '2', '3']);
  expect(asked([2, 3, 1, 2])).toEqual(['1', '2', '3']);
});
