import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import { type Attempt, type Outcome, SKIP_REASONS } from '@grapnel/domain/delivery/outcome';
import { isDeliveryId, isEventId, isTenantId, isWebhookId } from '@grapnel/domain/ids';
import type { DeletedWebhook } from './read-message.ts';

// What a message must look like for its row to be storable. By hand, on the value as it was parsed: checking by a schema
// that makes a copy was a third of the projector's CPU. Only what the history keeps is looked at.

/** Values just parsed from JSON, of which nothing is known, and which belong to nobody else. */
type Loose<T> = { -readonly [K in keyof T]: unknown };

type LooseOutcome = Record<
  'kind' | 'delivery' | 'turn' | 'attempt' | 'nextAttemptAt' | 'reason' | 'round' | 'at',
  unknown
>;

const MAX_INTEGER = 2_147_483_647;
const MAX_TIME = 8.64e15;
const SHORT = 4_096;
/** The first 1,000 characters are kept. */
const EXCERPT = 1_000;

/** @throws TypeError that names what is wrong */
export function checkOutcome(value: unknown): Outcome {
  const outcome = record<LooseOutcome>(value, 'outcome');
  checkDelivery(outcome.delivery);
  switch (outcome.kind) {
    case 'delivered':
      checkTurn(outcome.turn);
      checkAttempt(outcome.attempt);
      break;
    case 'attempt_failed':
      checkTurn(outcome.turn);
      checkAttempt(outcome.attempt);
      need(outcome.nextAttemptAt === null || isInteger(outcome.nextAttemptAt, MAX_TIME), 'nextAttemptAt');
      break;
    case 'skipped':
      checkTurn(outcome.turn);
      need(
        SKIP_REASONS.some((reason) => reason === outcome.reason),
        'reason',
      );
      need(isInteger(outcome.at, MAX_TIME), 'at');
      break;
    case 'replay_requested':
      need(isInteger(outcome.round, Number.MAX_SAFE_INTEGER), 'round');
      need(isInteger(outcome.at, MAX_TIME), 'at');
      break;
    default:
      need(false, 'kind');
  }
  return value as Outcome;
}

/** @throws TypeError that names what is wrong */
export function checkDelivery(value: unknown): StoredDelivery {
  const delivery = record<Loose<StoredDelivery>>(value, 'delivery');
  need(typeof delivery.id === 'string' && isDeliveryId(delivery.id), 'delivery.id');
  need(typeof delivery.tenant === 'string' && isTenantId(delivery.tenant), 'delivery.tenant');
  need(typeof delivery.webhookId === 'string' && isWebhookId(delivery.webhookId), 'delivery.webhookId');
  need(typeof delivery.eventId === 'string' && isEventId(delivery.eventId), 'delivery.eventId');
  delivery.eventType = short(delivery.eventType, 'delivery.eventType');
  delivery.jobId = delivery.jobId === null ? null : short(delivery.jobId, 'delivery.jobId');
  delivery.taskId = delivery.taskId === null ? null : short(delivery.taskId, 'delivery.taskId');
  need(isInteger(delivery.eventTime, MAX_TIME), 'delivery.eventTime');
  need(isInteger(delivery.createdAt, MAX_TIME), 'delivery.createdAt');
  need(typeof delivery.test === 'boolean', 'delivery.test');
  need(isInteger(delivery.bodyBytes, MAX_INTEGER), 'delivery.bodyBytes');
  need(isInteger(delivery.webhookRevision, Number.MAX_SAFE_INTEGER), 'delivery.webhookRevision');
  need(isInteger(delivery.sequence, Number.MAX_SAFE_INTEGER), 'delivery.sequence');
  return value as StoredDelivery;
}

/** @throws TypeError that names what is wrong */
export function checkDeletedWebhook(value: unknown): DeletedWebhook {
  const { id, tenant, at } = record<{ id: unknown; tenant: unknown; at: unknown }>(value, 'state');
  need(typeof id === 'string' && isWebhookId(id), 'id');
  need(typeof tenant === 'string' && isTenantId(tenant), 'tenant');
  need(isInteger(at, MAX_TIME), 'at');
  return { webhookId: id, tenant, deletedAt: at };
}

function checkTurn(value: unknown): void {
  const { round, attempt } = record<Loose<Turn>>(value, 'turn');
  need(isInteger(round, Number.MAX_SAFE_INTEGER), 'turn.round');
  need(isInteger(attempt, MAX_INTEGER) && attempt >= 1, 'turn.attempt');
}

function checkAttempt(value: unknown): void {
  const attempt = record<Loose<Attempt>>(value, 'attempt');
  need(isInteger(attempt.startedAt, MAX_TIME), 'attempt.startedAt');
  const { durationMs } = attempt;
  need(typeof durationMs === 'number' && durationMs >= 0 && durationMs <= MAX_INTEGER, 'attempt.durationMs');
  attempt.durationMs = Math.round(durationMs);
  const request = record<Loose<Attempt['request']>>(attempt.request, 'attempt.request');
  request.method = short(request.method, 'attempt.request.method');
  request.url = text(request.url, 'attempt.request.url');
  request.headers = headers(request.headers, 'attempt.request.headers');
  if (attempt.response !== null) {
    const response = record<Loose<NonNullable<Attempt['response']>>>(attempt.response, 'attempt.response');
    need(isInteger(response.status, MAX_INTEGER), 'attempt.response.status');
    response.headers = headers(response.headers, 'attempt.response.headers');
    response.body = excerpt(response.body, 'attempt.response.body');
  }
  if (attempt.error !== null) {
    const error = record<Loose<NonNullable<Attempt['error']>>>(attempt.error, 'attempt.error');
    error.code = short(error.code, 'attempt.error.code');
    error.message = excerpt(error.message, 'attempt.error.message');
  }
  if (attempt.remoteAddress !== null) attempt.remoteAddress = short(attempt.remoteAddress, 'attempt.remoteAddress');
}

function need(fine: boolean, what: string): asserts fine {
  if (!fine) throw new TypeError(`${what} is not what it must be`);
}

const isInteger = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;

function record<T extends object>(value: unknown, what: string): T {
  need(typeof value === 'object' && value !== null && !Array.isArray(value), what);
  return value as T;
}

/** Postgres has no NUL in text, and half a surrogate pair is not Unicode. */
function text(value: unknown, what: string): string {
  need(typeof value === 'string', what);
  if (value.isWellFormed() && !value.includes('\0')) return value;
  return value.replaceAll('\0', '\ufffd').toWellFormed();
}

function short(value: unknown, what: string): string {
  const whole = text(value, what);
  need(whole.length <= SHORT, what);
  return whole;
}

function excerpt(value: unknown, what: string): string {
  const whole = text(value, what);
  return whole.length <= EXCERPT ? whole : whole.slice(0, EXCERPT).toWellFormed();
}

function headers(value: unknown, what: string): object {
  const given = record<Record<string, unknown>>(value, what);
  const entries = Object.entries(given);
  if (entries.every(([name, content]) => text(name, what) === name && text(content, what) === content)) return given;
  return Object.fromEntries(entries.map(([name, content]) => [text(name, what), text(content, what)]));
}
