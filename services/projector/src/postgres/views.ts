import type { AttemptView, DeliveryView, LastAttempt } from '../ports.ts';
import type { DeliveryRow } from './list-statements.ts';
import type { AttemptsTable } from './tables.ts';

export function deliveryView(row: DeliveryRow): DeliveryView {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    eventType: row.event_type,
    jobId: row.job_id,
    taskId: row.task_id,
    status: row.status,
    round: row.round,
    attemptNumber: row.attempt_number,
    lastAttempt: lastAttempt(row),
    createdAt: row.created_at,
    deliveredAt: row.delivered_at,
    nextAttemptAt: row.next_attempt_at,
    skipReason: row.skip_reason,
    test: row.test,
    sequence: row.sequence,
    bodyBytes: row.body_bytes,
  };
}

/** What an earlier round came to says nothing about a replay that has not begun. */
function lastAttempt(row: DeliveryRow): LastAttempt | null {
  if (row.last_attempt_round !== row.round || row.request_url === null || row.request_method === null) return null;
  return {
    requestUrl: row.request_url,
    requestMethod: row.request_method,
    responseStatus: row.response_status,
    responseDurationMs: row.response_duration_ms,
    errorCode: row.error_code,
    errorMessage: row.error_message,
  };
}

export type AttemptRow = Omit<AttemptsTable, 'delivery_created_at' | 'delivery_id' | 'outcome_sequence'>;

export function attemptView(row: AttemptRow): AttemptView {
  return {
    round: row.round,
    number: row.number,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    requestUrl: row.request_url,
    requestMethod: row.request_method,
    requestHeaders: row.request_headers,
    responseStatus: row.response_status,
    responseHeaders: row.response_headers,
    responseBody: row.response_body,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    remoteAddress: row.remote_address,
    nextAttemptAt: row.next_attempt_at,
    succeeded: row.succeeded,
  };
}
