import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from './config.ts';
import { evolve } from './evolve.ts';
import { type FinalOutcome, recordHealth } from './health.ts';
import type { Webhook, WebhookState } from './webhook.ts';

const WEBHOOK: Webhook = {
  id: 'wh_00000000000000000000000001',
  tenant: 'acme',
  config: { ...DEFAULTS, name: 'n', url: 'https://example.com', eventTypes: ['*'] },
  secrets: [],
  status: { kind: 'active' },
  health: { consecutiveFailures: 0, coveredSequence: 0 },
  lastAutoDisabledAt: null,
  createdAt: 0,
  updatedAt: 0,
};

const outcomes = (results: readonly boolean[]): FinalOutcome[] =>
  results.map((delivered, i) => ({ sequence: i + 1, delivered, reason: 'HTTP 500' }));

/** Counts in batches, as a service does that reads them over several turns. */
function count(webhook: Webhook, batches: readonly (readonly FinalOutcome[])[]): Webhook {
  return batches.reduce((current, batch) => {
    const event = recordHealth(current, batch, 7);
    if (event === null) return current;
    const next: WebhookState = evolve({ kind: 'present', webhook: current }, event);
    if (next.kind !== 'present') throw new Error('gone');
    return next.webhook;
  }, webhook);
}

describe('counting consecutive failures', () => {
  it('AC-18 disables after ten in a row, and says why', () => {
    const nine = count(WEBHOOK, [outcomes(Array(9).fill(false))]);
    expect(nine.status.kind).toBe('active');
    const ten = count(WEBHOOK, [outcomes(Array(10).fill(false))]);
    expect(ten.status).toEqual({
      kind: 'inactive',
      reason: 'auto_disabled',
      since: 7,
      detail: '10 consecutive deliveries failed; the last with HTTP 500',
    });
    expect(ten.lastAutoDisabledAt).toBe(7);
  });

  it('AC-18 any success begins the count anew', () => {
    const webhook = count(WEBHOOK, [outcomes([...Array(9).fill(false), true, ...Array(9).fill(false)])]);
    expect(webhook).toMatchObject({ status: { kind: 'active' }, health: { consecutiveFailures: 9 } });
  });

  it('AC-18 comes to the same however the outcomes are cut into batches, and however often one is read again', () => {
    const cuts = fc.array(fc.nat(40), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), cuts, (results, at) => {
        const all = outcomes(results);
        const whole = count(WEBHOOK, [all]);
        const edges = [0, ...at.map((i) => i % (all.length + 1)).toSorted((a, b) => a - b), all.length];
        const batches = edges.slice(1).map((end, i) => all.slice(edges[i], end));
        // Each batch twice: the second time it is a redelivery.
        const pieces = count(
          WEBHOOK,
          batches.flatMap((batch) => [batch, batch]),
        );
        expect(pieces.health.consecutiveFailures >= 10).toBe(whole.health.consecutiveFailures >= 10);
        expect(pieces.status.kind).toBe(whole.status.kind);
        // Once disabled, the count is no longer of interest.
        const counted = ({ status, health }: Webhook): number | null =>
          status.kind === 'active' ? health.consecutiveFailures : null;
        expect(counted(pieces)).toBe(counted(whole));
      }),
    );
  });

  it('moves the covered position whenever a failure was among the outcomes', () => {
    expect(recordHealth(WEBHOOK, outcomes([false, true]), 7)).toMatchObject({
      type: 'health_recorded',
      health: { consecutiveFailures: 0, coveredSequence: 2 },
    });
    expect(recordHealth(WEBHOOK, outcomes([true, true]), 7)).toBeNull();
  });
});
