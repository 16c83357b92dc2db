import { isOperational } from './catalogue.ts';
import { failureReason, finalResult, type Outcome, type SkipReason } from './delivery/outcome.ts';
import type { EventId, TenantId } from './ids.ts';
import type { Json } from './json.ts';
import type { Replay, ReplayEvent } from './replay/replay.ts';
import type { Webhook, WebhookEvent, WebhookState } from './webhook/webhook.ts';

/** Something the platform tells about its own work. The id follows from what it tells of. */
export interface Operation {
  readonly id: EventId;
  readonly tenant: TenantId;
  readonly type: string;
  readonly at: number;
  readonly data: Json;
}

/** `revision`: position of the state in the WEBHOOKS stream. */
export function operationOfWebhook(event: WebhookEvent, state: WebhookState, revision: number): Operation | null {
  if (state.kind !== 'present') return null;
  const { webhook } = state;
  const made = (type: string, at: number, more: Readonly<Record<string, Json>>): Operation => ({
    id: `op:${webhook.id}:${revision}`,
    tenant: webhook.tenant,
    type,
    at,
    data: { ...about(webhook), ...more },
  });
  switch (event.type) {
    case 'auto_disabled':
      return made('webhook.auto_disabled', event.at, { reason: event.detail });
    case 'health_recorded':
      return event.failing === true ? made('webhook.failing', event.at, {}) : null;
    default:
      return null;
  }
}

const about = (webhook: Webhook): Record<string, Json> => ({
  tenant: webhook.tenant,
  webhook_id: webhook.id,
  webhook_name: webhook.config.name,
  consecutive_failures: webhook.health.consecutiveFailures,
});

/** For people: why a delivery was given up unsent. Inactive webhooks, and events that do not fit them, are no news. */
const EXPIRED: Readonly<Partial<Record<SkipReason, string>>> = {
  message_expired: 'the payload is no longer kept',
  too_old: 'older than the webhook’s time to live',
};

/** News about a delivery of news would never end: deliveries of operational events tell nothing. */
export function operationOfOutcome(outcome: Outcome): Operation | null {
  const { delivery } = outcome;
  if (isOperational(delivery.eventType) || delivery.test) return null;
  const expired = outcome.kind === 'skipped' ? EXPIRED[outcome.reason] : undefined;
  if (expired === undefined && finalResult(outcome) !== 'failed') return null;
  const attempted = outcome.kind === 'attempt_failed' ? outcome : null;
  const turn = 'turn' in outcome ? outcome.turn : { round: 0, attempt: 0 };
  return {
    id: `op:${delivery.id}:${turn.round}:${turn.attempt}`,
    tenant: delivery.tenant,
    type: expired !== undefined ? 'message.expired' : 'delivery.exhausted',
    at: attempted?.attempt.startedAt ?? ('at' in outcome ? outcome.at : delivery.createdAt),
    data: {
      tenant: delivery.tenant,
      webhook_id: delivery.webhookId,
      delivery_id: delivery.id,
      event_id: delivery.eventId,
      event_type: delivery.eventType,
      attempts: turn.attempt,
      reason: attempted === null ? (expired ?? null) : failureReason(attempted.attempt),
    },
  };
}

export function operationOfReplay(event: ReplayEvent, replay: Replay): Operation | null {
  if (event.type !== 'finished' && event.type !== 'cancelled' && event.type !== 'failed') return null;
  return {
    id: `op:${replay.id}:finished`,
    tenant: replay.tenant,
    type: 'replay.finished',
    at: event.at,
    data: {
      tenant: replay.tenant,
      replay_id: replay.id,
      webhook_id: replay.webhookId,
      status: event.type,
      ...replay.counts,
    },
  };
}
