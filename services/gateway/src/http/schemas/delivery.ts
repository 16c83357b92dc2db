import { z } from 'zod';
import { count, queryNumber, text, time, timestamp } from './fields.ts';

export const DELIVERY_STATUSES = ['pending', 'retrying', 'delivered', 'failed', 'skipped'] as const;

const status = z.enum(DELIVERY_STATUSES);

const filters = {
  status: status.optional().describe('Only deliveries in this state.'),
  from: time.optional().describe('Created at or after this time. Without an offset it is UTC.'),
  to: time.optional().describe('Created before this time.'),
};

export const DeliveriesQuery = z.strictObject({
  limit: queryNumber({ min: 1, max: 1_000 }).optional().meta({ default: 100 }),
  offset: queryNumber({ min: 0, max: 100_000 }).optional().meta({ default: 0 }).describe('A cursor costs less.'),
  ...filters,
  cursor: text({ min: 1, max: 1_024 })
    .optional()
    .describe('`meta.next_cursor` of the page before; not together with offset.'),
});

export const AllDeliveriesQuery = DeliveriesQuery.extend({
  webhook_id: text({ min: 1, max: 64 }).optional().describe('Only of this webhook.'),
});

const delivery = {
  uuid: z.string().meta({ examples: ['dlv_3g5k7m9p1r3t5v7x9z1b3d5f7h'] }),
  delivery_id: z.string().describe('The same.'),
  webhookSubscriptionUuid: z.string().describe('The webhook.'),
  webhook_subscription_uuid: z.string().describe('The same.'),
  eventType: z.string().describe('The type of the event.'),
  event_type: z.string().describe('The same.'),
  event_id: z.string().describe("The producer's id of the event, or the one it was given."),
  job_id: z.string().nullable().describe('The job of the event.'),
  task_id: z.string().nullable().describe('The task of the event.'),
  status: status.describe('`pending` before the first attempt, `retrying` between attempts.'),
  attempt_number: count.describe('Of the newest round of attempts; 0 before the first.'),
  request_url: z.string().nullable().describe('Of the last attempt, without credentials.'),
  request_method: z.string(),
  response_status: z.int().nullable().describe('Of the last attempt; `null` when there was no answer.'),
  response_duration_ms: count.nullable().describe('How long the last attempt took.'),
  error_message: z.string().nullable().describe('For people: why the last attempt failed.'),
  error_code: z.string().nullable().describe('For programs, e.g. `HTTP_500`, `ETIMEDOUT` or `PRIVATE_IP_BLOCKED`.'),
  skip_reason: z
    .string()
    .nullable()
    .describe(
      'Why it was skipped: `webhook_deactivated`, `webhook_auto_disabled`, `message_expired` (its body is no longer kept), ' +
        '`too_old` (past `message_ttl_seconds`), `not_renderable`.',
    ),
  is_test: z.boolean().describe('A test that a person asked for.'),
  payload_bytes: count.describe('Size of the body.'),
  created_at: timestamp,
  delivered_at: timestamp.nullable().describe('When it succeeded.'),
  next_attempt_at: timestamp.nullable().describe('When it will be tried again.'),
};

export const TestOutcome = z
  .object({
    delivery_id: z.string(),
    event_id: z.string(),
    status: status.describe('After the first attempt; `pending`: it has not come to its end yet.'),
    response_status: delivery.response_status,
    error_message: delivery.error_message,
  })
  .meta({ id: 'TestOutcome' });

export const Delivery = z.object(delivery).meta({ id: 'Delivery' });

const Attempt = z
  .object({
    round: count.describe('0 for the first sending; otherwise which replay, milliseconds since the epoch.'),
    attempt_number: count.describe('Within the round, from 1.'),
    succeeded: z.boolean(),
    started_at: timestamp,
    duration_ms: count,
    request_url: z.string().describe('Without credentials.'),
    request_method: z.string(),
    request_headers: z.record(z.string(), z.string()).describe('Values that look like credentials are hidden.'),
    response_status: z.int().nullable(),
    response_headers: z.record(z.string(), z.string()),
    response_body: z.string().nullable().describe('The first 1,000 characters.'),
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    remote_address: z.string().nullable().describe('The address that was dialled.'),
    next_attempt_at: timestamp.nullable(),
  })
  .meta({ id: 'Attempt' });

export const DeliveryWithAttempts = z
  .object({ ...delivery, attempts: z.array(Attempt).describe('In the order they were made.') })
  .meta({ id: 'DeliveryWithAttempts' });

export const DeliveryPage = z.object({
  success: z.literal(true),
  data: z.array(Delivery).describe('Newest first.'),
  meta: z.object({
    limit: count,
    offset: count,
    filters: z.object({ status: status.nullable(), from: z.string().nullable(), to: z.string().nullable() }),
    next_cursor: z.string().nullable().describe('`null` on the last page.'),
  }),
});

export const TailQuery = z.strictObject({
  cursor: z
    .string()
    .regex(/^\d{1,19}$/, 'must be the id of an event of this stream')
    .optional()
    .describe('Go on after this event; the header `Last-Event-ID` wins over it. Absent: from now on.'),
});

/** @public the OpenAPI document shows it, for what the stream carries has no schema of its own there */
export const TailedDelivery = z.object({ cursor: z.string(), ...delivery }).meta({ id: 'TailedDelivery' });
