import { describe, expect, it } from 'vitest';
import type { StoredDelivery } from './delivery/delivery.ts';
import type { Attempt, Outcome, SkipReason } from './delivery/outcome.ts';
import { operationOfOutcome, operationOfWebhook } from './operation.ts';
import { DEFAULTS } from './webhook/config.ts';
import type { WebhookState } from './webhook/webhook.ts';

const DELIVERY: StoredDelivery = {
  id: 'dlv_00000000000000000000000001',
  tenant: 'acme',
  webhookId: 'wh_00000000000000000000000001',
  eventId: 'e1',
  eventType: 'crawl.page',
  jobId: null,
  taskId: null,
  eventTime: 1,
  createdAt: 2,
  test: false,
  bodyBytes: 2,
  webhookRevision: 1,
  sequence: 1,
};

const ATTEMPT: Attempt = {
  startedAt: 10,
  durationMs: 1,
  request: { method: 'POST', url: 'https://example.com', headers: {} },
  response: { status: 500, headers: {}, body: '' },
  error: { code: 'HTTP_500', message: 'answered 500' },
  remoteAddress: null,
};

const failed = (nextAttemptAt: number | null, delivery: Partial<StoredDelivery> = {}): Outcome => ({
  kind: 'attempt_failed',
  delivery: { ...DELIVERY, ...delivery },
  turn: { round: 0, attempt: 4 },
  attempt: ATTEMPT,
  nextAttemptAt,
});

const state = (consecutiveFailures: number): WebhookState => ({
  kind: 'present',
  webhook: {
    id: DELIVERY.webhookId,
    tenant: 'acme',
    config: { ...DEFAULTS, name: 'orders', url: 'https://example.com', eventTypes: ['*'] },
    secrets: [],
    status: { kind: 'active' },
    health: { consecutiveFailures, coveredSequence: 1 },
    lastAutoDisabledAt: null,
    createdAt: 0,
    updatedAt: 0,
  },
});

describe('what the platform tells of its own work', () => {
  it('AC-18 a delivery that failed for good, with its attempts and why', () => {
    expect(operationOfOutcome(failed(null))).toEqual({
      id: 'op:dlv_00000000000000000000000001:0:4',
      tenant: 'acme',
      type: 'delivery.exhausted',
      at: 10,
      data: {
        tenant: 'acme',
        webhook_id: DELIVERY.webhookId,
        delivery_id: DELIVERY.id,
        event_id: 'e1',
        event_type: 'crawl.page',
        attempts: 4,
        reason: 'HTTP 500',
      },
    });
  });

  it('nothing of what is tried again, was a test, or is itself such news', () => {
    expect(operationOfOutcome(failed(20))).toBeNull();
    expect(operationOfOutcome(failed(null, { test: true }))).toBeNull();
    for (const eventType of ['delivery.exhausted', 'webhook.failing', 'webhook.auto_disabled', 'replay.finished']) {
      expect(operationOfOutcome(failed(null, { eventType })), `event ${eventType}`).toBeNull();
    }
  });

  it('a delivery whose payload was dropped before it could be sent', () => {
    const skipped = (reason: SkipReason): Outcome => ({
      kind: 'skipped',
      delivery: DELIVERY,
      turn: { round: 7, attempt: 2 },
      reason,
      at: 30,
    });
    expect(operationOfOutcome(skipped('message_expired'))).toMatchObject({
      id: 'op:dlv_00000000000000000000000001:7:2',
      type: 'message.expired',
      at: 30,
      data: { reason: 'the payload is no longer kept' },
    });
    expect(operationOfOutcome(skipped('too_old'))).toMatchObject({
      type: 'message.expired',
      data: { reason: 'older than the webhook’s time to live' },
    });
    expect(operationOfOutcome(skipped('webhook_deactivated'))).toBeNull();
  });

  it('AC-18 a webhook that is half way to being disabled, and one that was', () => {
    const health = { consecutiveFailures: 5, coveredSequence: 1 };
    const at = 40;
    expect(operationOfWebhook({ type: 'health_recorded', at, health, failing: true }, state(5), 9)).toEqual({
      id: `op:${DELIVERY.webhookId}:9`,
      tenant: 'acme',
      type: 'webhook.failing',
      at,
      data: { tenant: 'acme', webhook_id: DELIVERY.webhookId, webhook_name: 'orders', consecutive_failures: 5 },
    });
    expect(operationOfWebhook({ type: 'health_recorded', at, health }, state(6), 10)).toBeNull();
    const detail = '10 consecutive deliveries failed; the last with HTTP 500';
    expect(operationOfWebhook({ type: 'auto_disabled', at, health, detail }, state(10), 11)).toMatchObject({
      type: 'webhook.auto_disabled',
      data: { reason: detail, consecutive_failures: 10 },
    });
  });
});
