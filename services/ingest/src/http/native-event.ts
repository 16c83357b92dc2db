import type { EventInput } from '@grapnel/domain/event/event';
import { z } from 'zod';

export const REQUIRED = 'is required';
const text = z.string({ error: ({ input }) => (input === undefined ? REQUIRED : 'must be a string') });

/** The body of `POST /v1/events`. What a type, an id or a reference may be is the domain's to say. */
export const nativeEvent = z
  .strictObject(
    {
      id: text.optional().describe('Your id; the same id again within 10 minutes is the same event.'),
      type: text.describe('A type of the catalogue, e.g. crawl.page.'),
      job_id: text.optional(),
      task_id: text.optional(),
      time: z.iso
        .datetime({ offset: true, error: 'must be an ISO 8601 time with its zone, e.g. 2026-01-31T12:00:00Z' })
        .optional()
        .describe('When it happened; absent: now.'),
      data: z.unknown().describe('Any JSON value, at most 1 MB and 64 levels deep.'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be an object: one event' : undefined) },
  )
  .describe('One event.');

export const accepted = z.object({
  success: z.literal(true),
  data: z.object({ event_id: z.string(), duplicate: z.boolean() }),
});

export const refused = z.object({
  success: z.literal(false),
  error: z.string(),
  message: z.string().optional(),
  details: z.array(z.object({ field: z.string(), message: z.string(), code: z.string() })).optional(),
});

export function inputOf(body: z.infer<typeof nativeEvent>): EventInput {
  return {
    id: body.id ?? null,
    type: body.type,
    jobId: body.job_id ?? null,
    taskId: body.task_id ?? null,
    time: body.time === undefined ? null : Date.parse(body.time),
    data: compactBytes(body.data),
  };
}

/** The value as it will be stored and signed; none (`undefined`) is no bytes. */
export function compactBytes(value: unknown): Uint8Array {
  return Buffer.from(value === undefined ? '' : JSON.stringify(value));
}
