import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { dayOf, hourOf } from './days.ts';
import type { AttemptMade } from './delivery-state.ts';

/** What a batch adds to the totals of one webhook, for deliveries made on one day. */
export interface WebhookTotals {
  readonly tenant: TenantId;
  readonly webhookId: WebhookId;
  readonly day: number;
  delivered: number;
  failed: number;
  lastSuccessAt: number | null;
  lastFailureAt: number | null;
}

/** What a batch adds to one hour of one webhook, for deliveries made on one day. */
export interface HourTotals {
  readonly tenant: TenantId;
  readonly webhookId: WebhookId;
  readonly hour: number;
  readonly day: number;
  delivered: number;
  failed: number;
  attempts: number;
  failedAttempts: number;
  responseMsSum: number;
  responses: number;
}

/** How a round of a delivery ended. */
export interface Ended {
  readonly round: number;
  readonly number: number;
  readonly result: 'delivered' | 'failed';
}

/** What deliveries were counted as before, by {@link deliveryKey}. */
export type EarlierResults = ReadonlyMap<string, Ended>;

export const deliveryKey = ({ id, createdAt }: { readonly id: string; readonly createdAt: number }): string =>
  `${id}:${createdAt}`;

/**
 * Sums and latest times of attempts that were not known before; tests never count (AC-10). Totals are of deliveries, each
 * as its newest round ended, in whatever order the rounds are heard of; hours are of what happened in them. `counted` are
 * the attempts whose result the totals of their webhook hold already.
 */
export function statisticsOf(
  attempts: readonly AttemptMade[],
  earlier: EarlierResults,
  counted: (made: AttemptMade) => boolean,
): { webhooks: WebhookTotals[]; hours: HourTotals[] } {
  const webhooks = new Map<string, WebhookTotals>();
  const hours = new Map<string, HourTotals>();
  const standing = new Map<string, Ended>();
  for (const made of attempts) {
    if (made.delivery.test) continue;
    countHour(hours, made);
    if (made.result === null) continue;
    const key = deliveryKey(made.delivery);
    const before = standing.get(key) ?? earlier.get(key) ?? null;
    const ended = { round: made.round, number: made.number, result: made.result };
    const row = countTimes(webhooks, made);
    if (before !== null && !isNewer(ended, before)) continue;
    if (!counted(made)) {
      if (before !== null) row[before.result]--;
      row[ended.result]++;
    }
    standing.set(key, ended);
  }
  return { webhooks: [...webhooks.values()], hours: [...hours.values()] };
}

const isNewer = (a: Ended, b: Ended): boolean => a.round > b.round || (a.round === b.round && a.number > b.number);

function countHour(hours: Map<string, HourTotals>, { delivery, attempt, succeeded, result }: AttemptMade): void {
  const { tenant, webhookId } = delivery;
  const [hour, day] = [hourOf(attempt.startedAt), dayOf(delivery.createdAt)];
  const row = upsert(hours, `${tenant}:${webhookId}:${hour}:${day}`, () => ({
    ...{ tenant, webhookId, hour, day },
    ...{ delivered: 0, failed: 0, attempts: 0, failedAttempts: 0, responseMsSum: 0, responses: 0 },
  }));
  row.attempts++;
  if (!succeeded) row.failedAttempts++;
  if (result === 'delivered') row.delivered++;
  if (result === 'failed') row.failed++;
  if (attempt.response !== null) {
    row.responses++;
    row.responseMsSum += attempt.durationMs;
  }
}

function countTimes(webhooks: Map<string, WebhookTotals>, { delivery, attempt, result }: AttemptMade): WebhookTotals {
  const { tenant, webhookId } = delivery;
  const day = dayOf(delivery.createdAt);
  const row = upsert(webhooks, `${tenant}:${webhookId}:${day}`, () => ({
    ...{ tenant, webhookId, day, delivered: 0, failed: 0 },
    ...{ lastSuccessAt: null, lastFailureAt: null },
  }));
  const at = attempt.startedAt + attempt.durationMs;
  if (result === 'delivered') row.lastSuccessAt = Math.max(row.lastSuccessAt ?? 0, at);
  else row.lastFailureAt = Math.max(row.lastFailureAt ?? 0, at);
  return row;
}

function upsert<Row>(rows: Map<string, Row>, key: string, create: () => Row): Row {
  const known = rows.get(key);
  if (known !== undefined) return known;
  const row = create();
  rows.set(key, row);
  return row;
}
