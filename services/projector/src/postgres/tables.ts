import type { DeliveryStatus, SkipReason } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId, EventId, TenantId, WebhookId } from '@grapnel/domain/ids';

/** The projector's own schema. */
export const SCHEMA = 'history';

/** What the tables hold; times are milliseconds since the epoch. */
export interface Tables {
  'history.deliveries': DeliveriesTable;
  'history.attempts': AttemptsTable;
  'history.webhook_statistics': WebhookStatisticsTable;
  'history.hourly_statistics': HourlyStatisticsTable;
  'history.deleted_webhooks': { webhook_id: WebhookId; tenant: TenantId; deleted_at: number };
  'history.covered_totals': { webhook_id: WebhookId; made_before: number; sequence: number };
  'history.checkpoints': { stream: string; stream_created: string; sequence: number };
  'history.horizon': { single: boolean; kept_from: number };
}

export interface DeliveriesTable {
  id: DeliveryId;
  created_at: number;
  tenant: TenantId;
  webhook_id: WebhookId;
  event_id: EventId;
  event_type: string;
  job_id: string | null;
  task_id: string | null;
  event_time: number;
  test: boolean;
  body_bytes: number;
  webhook_revision: number;
  /** Position in the DELIVERIES stream. */
  sequence: number;
  /** The version of the state that the next five columns show. */
  round: number;
  attempt: number;
  rank: number;
  status: DeliveryStatus;
  attempt_number: number;
  next_attempt_at: number | null;
  delivered_at: number | null;
  skip_reason: SkipReason | null;
  /** The newest attempt of all rounds, which the columns below show; -1 and 0 before the first. */
  last_attempt_round: number;
  last_attempt_number: number;
  request_url: string | null;
  request_method: string | null;
  response_status: number | null;
  response_duration_ms: number | null;
  error_code: string | null;
  error_message: string | null;
}

export interface AttemptsTable {
  delivery_created_at: number;
  delivery_id: DeliveryId;
  round: number;
  number: number;
  outcome_sequence: number;
  succeeded: boolean;
  started_at: number;
  duration_ms: number;
  request_url: string;
  request_method: string;
  request_headers: Record<string, string>;
  response_status: number | null;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  error_code: string | null;
  error_message: string | null;
  remote_address: string | null;
  next_attempt_at: number | null;
}

interface WebhookStatisticsTable {
  tenant: TenantId;
  webhook_id: WebhookId;
  /** On which the deliveries were made; {@link ARCHIVED} for all days that retention has dropped. */
  day: number;
  delivered: number;
  failed: number;
  last_success_at: number | null;
  last_failure_at: number | null;
}

interface HourlyStatisticsTable {
  tenant: TenantId;
  webhook_id: WebhookId;
  /** In which the attempt began. */
  hour: number;
  day: number;
  delivered: number;
  failed: number;
  attempts: number;
  failed_attempts: number;
  response_ms_sum: number;
  responses: number;
}

export const ARCHIVED = -1;
