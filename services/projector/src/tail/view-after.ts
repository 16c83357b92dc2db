import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { DeliveryView } from '../ports.ts';
import { stateAfter } from '../project/delivery-state.ts';

/** A delivery as one outcome alone tells of it. */
export function viewAfter(outcome: Outcome): DeliveryView {
  const { delivery } = outcome;
  const { standing } = stateAfter(outcome, null);
  const attempt = 'attempt' in outcome ? outcome.attempt : null;
  return {
    id: delivery.id,
    webhookId: delivery.webhookId,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    jobId: delivery.jobId,
    taskId: delivery.taskId,
    status: standing.status,
    round: standing.version[0],
    attemptNumber: standing.attemptNumber,
    lastAttempt:
      attempt === null
        ? null
        : {
            requestUrl: attempt.request.url,
            requestMethod: attempt.request.method,
            responseStatus: attempt.response?.status ?? null,
            responseDurationMs: attempt.response === null ? null : attempt.durationMs,
            errorCode: attempt.error?.code ?? null,
            errorMessage: attempt.error?.message ?? null,
          },
    createdAt: delivery.createdAt,
    deliveredAt: standing.deliveredAt,
    nextAttemptAt: standing.nextAttemptAt,
    skipReason: standing.skipReason,
    test: delivery.test,
    sequence: delivery.sequence,
    bodyBytes: delivery.bodyBytes,
  };
}
