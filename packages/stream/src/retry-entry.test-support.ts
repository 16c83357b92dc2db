import type { RetryEntry } from '@grapnel/domain/delivery/retry-entry';

/** An entry for the second attempt at the `n`th delivery, due at `dueAt`. */
export const entryFor = (n: number, dueAt: number): RetryEntry => ({
  delivery: {
    id: `dlv_${n}`,
    tenant: 'acme',
    webhookId: `wh_${n}`,
    eventId: 'e',
    eventType: 'crawl.page',
    jobId: null,
    taskId: null,
    eventTime: 0,
    createdAt: 0,
    test: false,
    bodyBytes: 1,
    webhookRevision: 1,
    sequence: n,
  },
  turn: { round: 0, attempt: 2 },
  dueAt,
  reason: 'backoff',
  traceparent: null,
});
