import { z } from 'zod';
import { count, queryNumber, text, time, timestamp } from './fields.ts';

export const DELIVERY_STATUSES = ['pending', 'retrying', 'delivered', 'failed', 'skipped'] as const;

const status = z.enum(DELIVERY_STATUSES);

const filters = {
  status: status.optional(),
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

export const AllDeliveriesQuery = DeliveriesQuery.extend({ webhook_id: text({ min: 1, max: 64 }).optional() });

const delivery = {
  uuid: z.string().meta({ examples: ['dlv_3g5k7m9p1r3t5v7x9z1b3d5f7h'] }),
  webhookSubscriptionUuid: z.string(),
  webhook_subscription_uuid: z.string(),
  eventType: z.string(),
  event_type: z.string(),
  event_id: z.string(),
  job_id: z.string().nullable(),
  task_id: z.string().nullable(),
  status,
  attempt_number: count.describe('Of the newest round of attempts; 0 before the first.'),
  request_url: z.string().nullable(),
  request_method: z.string(),
  response_status: z.int().nullable(),
  response_duration_ms: count.nullable(),
  error_message: z.string().nullable(),
  error_code: z.string().nullable(),
  skip_reason: z.string().nullable().describe('Why it was skipped.'),
  is_test: z.boolean(),
  payload_bytes: count,
  created_at: timestamp,
  delivered_at: timestamp.nullable(),
  next_attempt_at: timestamp.nullable(),
};

export const Delivery = z.object(delivery).meta({ id: 'Delivery' });

const Attempt = z
  .object({
    round: count.describe('0 for the first sending; otherwise which replay, milliseconds since the epoch.'),
    attempt_number: count,
    succeeded: z.boolean(),
    started_at: timestamp,
    duration_ms: count,
    request_url: z.string(),
    request_method: z.string(),
    request_headers: z.record(z.string(), z.string()),
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
