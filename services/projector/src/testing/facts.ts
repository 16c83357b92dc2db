import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Attempt, Outcome } from '@grapnel/domain/delivery/outcome';
import { deliveryIdOf, newWebhookId, type TenantId, type WebhookId } from '@grapnel/domain/ids';
import { systemClock } from '@grapnel/runtime/clock';

/** Random numbers that come out the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

export const webhook = (n: number): WebhookId => newWebhookId(n, () => new Uint8Array(11).fill(n % 256));

const anHourAgo = systemClock.now() - 3_600_000;

export interface DeliveryOptions {
  readonly tenant?: TenantId;
  readonly webhookId?: WebhookId;
  readonly createdAt?: number;
  readonly test?: boolean;
  readonly eventType?: string;
}

export function delivery(n: number, options: DeliveryOptions = {}): StoredDelivery {
  const { tenant = 'acme', webhookId = webhook(1), createdAt = anHourAgo + n, test = false } = options;
  const { eventType = 'crawl.page' } = options;
  return {
    id: deliveryIdOf(tenant, `evt-${n}`, webhookId),
    tenant,
    webhookId,
    eventId: `evt-${n}`,
    eventType,
    jobId: `job-${n}`,
    taskId: null,
    eventTime: createdAt - 10,
    createdAt,
    test,
    bodyBytes: 2,
    webhookRevision: 1,
    sequence: n + 1,
  };
}

export function attempt(to: StoredDelivery, status: number | null, minutes = 0): Attempt {
  return {
    startedAt: to.createdAt + 20 + minutes * 60_000,
    durationMs: 15,
    request: { method: 'POST', url: 'https://a.example/hook', headers: { 'Content-Type': 'application/json' } },
    response: status === null ? null : { status, headers: { server: 'x' }, body: 'answer' },
    error: status === 200 ? null : { code: status === null ? 'ETIMEDOUT' : `HTTP_${status}`, message: 'no luck' },
    remoteAddress: '203.0.113.7',
  };
}

export const delivered = (to: StoredDelivery, round = 0, number = 1): Outcome => ({
  kind: 'delivered',
  delivery: to,
  turn: { round, attempt: number },
  attempt: attempt(to, 200, number),
});

export const failed = (to: StoredDelivery, { round = 0, number = 1, last = false, status = 500 } = {}): Outcome => ({
  kind: 'attempt_failed',
  delivery: to,
  turn: { round, attempt: number },
  attempt: attempt(to, status, number),
  nextAttemptAt: last ? null : to.createdAt + number * 60_000,
});

export const replayRequested = (to: StoredDelivery, round: number): Outcome => ({
  kind: 'replay_requested',
  delivery: to,
  round,
  at: round,
});

export const skipped = (to: StoredDelivery, round = 0, number = 1): Outcome => ({
  kind: 'skipped',
  delivery: to,
  turn: { round, attempt: number },
  reason: 'webhook_auto_disabled',
  at: to.createdAt + 100,
});

/** A life of a delivery, one of several kinds. */
export function story(n: number, options: DeliveryOptions = {}): { delivery: StoredDelivery; outcomes: Outcome[] } {
  const it = delivery(n, options);
  const lives: readonly Outcome[][] = [
    [],
    [delivered(it)],
    [failed(it), delivered(it, 0, 2)],
    [failed(it), failed(it, { number: 2 }), failed(it, { number: 3, last: true })],
    [failed(it, { status: 404, last: true }), replayRequested(it, 5_000), delivered(it, 5_000, 1)],
    [failed(it), skipped(it, 0, 2)],
    [skipped(it), replayRequested(it, 7_000)],
    [
      delivered(it),
      replayRequested(it, 9_000),
      failed(it, { round: 9_000 }),
      failed(it, { round: 9_000, number: 2, last: true }),
    ],
  ];
  return { delivery: it, outcomes: lives[n % lives.length] as Outcome[] };
}
