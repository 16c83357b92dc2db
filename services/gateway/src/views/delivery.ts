import { type Attempt, type Delivery, DeliveryStatus } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { z } from 'zod';
import type { DELIVERY_STATUSES, Delivery as DeliverySchema, DeliveryWithAttempts } from '../http/schemas/delivery.ts';
import { isoTime, requiredTime } from './time.ts';

type StatusName = (typeof DELIVERY_STATUSES)[number];
export type DeliveryJson = z.output<typeof DeliverySchema>;

/** AC-12, with the names that AnyCrawl's answers and clients spell in two ways. */
export function deliveryJson(delivery: Delivery): DeliveryJson {
  return {
    uuid: delivery.id,
    delivery_id: delivery.id,
    webhookSubscriptionUuid: delivery.webhookId,
    webhook_subscription_uuid: delivery.webhookId,
    eventType: delivery.eventType,
    event_type: delivery.eventType,
    event_id: delivery.eventId,
    job_id: orNull(delivery.jobId),
    task_id: orNull(delivery.taskId),
    status: statusName(delivery.status),
    attempt_number: delivery.attemptNumber,
    request_url: orNull(delivery.requestUrl),
    request_method: orNull(delivery.requestMethod) ?? 'POST',
    response_status: delivery.responseStatus ?? null,
    response_duration_ms: delivery.responseDurationMs ?? null,
    error_message: orNull(delivery.errorMessage),
    error_code: orNull(delivery.errorCode),
    skip_reason: orNull(delivery.skipReason),
    is_test: delivery.test,
    payload_bytes: delivery.bodyBytes,
    created_at: requiredTime(delivery.createdAt, 'created_at'),
    delivered_at: isoTime(delivery.deliveredAt),
    next_attempt_at: isoTime(delivery.nextAttemptAt),
  };
}

export function deliveryWithAttempts(
  delivery: Delivery,
  attempts: readonly Attempt[],
): z.output<typeof DeliveryWithAttempts> {
  return { ...deliveryJson(delivery), attempts: attempts.map(attemptJson) };
}

function attemptJson(attempt: Attempt) {
  return {
    round: Number(attempt.round),
    attempt_number: attempt.number,
    succeeded: attempt.succeeded,
    started_at: requiredTime(attempt.startedAt, 'started_at'),
    duration_ms: attempt.durationMs,
    request_url: attempt.requestUrl,
    request_method: attempt.requestMethod,
    request_headers: attempt.requestHeaders,
    response_status: attempt.responseStatus ?? null,
    response_headers: attempt.responseHeaders,
    response_body: attempt.responseStatus === undefined ? null : attempt.responseBody,
    error_code: orNull(attempt.errorCode),
    error_message: orNull(attempt.errorMessage),
    remote_address: orNull(attempt.remoteAddress),
    next_attempt_at: isoTime(attempt.nextAttemptAt),
  };
}

export function statusOf(name: StatusName): DeliveryStatus {
  switch (name) {
    case 'pending':
      return DeliveryStatus.PENDING;
    case 'retrying':
      return DeliveryStatus.RETRYING;
    case 'delivered':
      return DeliveryStatus.DELIVERED;
    case 'failed':
      return DeliveryStatus.FAILED;
    case 'skipped':
      return DeliveryStatus.SKIPPED;
  }
}

function statusName(status: DeliveryStatus): StatusName {
  switch (status) {
    case DeliveryStatus.RETRYING:
      return 'retrying';
    case DeliveryStatus.DELIVERED:
      return 'delivered';
    case DeliveryStatus.FAILED:
      return 'failed';
    case DeliveryStatus.SKIPPED:
      return 'skipped';
    default:
      return 'pending';
  }
}

const orNull = (text: string): string | null => (text === '' ? null : text);
