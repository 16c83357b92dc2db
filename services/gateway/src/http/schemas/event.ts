import { z } from 'zod';
import { time } from './fields.ts';

// Bounds of ids are ingest's to check: it says everything that is wrong with an event at once.
const reference = z.string().min(1, 'must not be empty');

export const PublishEvent = z
  .strictObject({
    id: reference.optional().describe('Your own id; the same id within 10 minutes is one event. Absent: one is made.'),
    type: z.string().describe('A type of `GET /v1/webhook-events`.'),
    job_id: reference.optional(),
    task_id: reference.optional().describe('Webhooks of scope `specific` match on it.'),
    time: time.optional().describe('When it happened. Absent: now.'),
    data: z.unknown().describe('Any JSON value of at most 1 MB; numbers keep their digits.'),
  })
  .check((context) => {
    if (context.value.data === undefined) {
      context.issues.push({ code: 'invalid_type', expected: 'unknown', input: undefined, path: ['data'] } as never);
    }
  })
  .meta({
    id: 'PublishEvent',
    examples: [
      {
        type: 'scrape.completed',
        job_id: 'job-1',
        data: { job_id: 'job-1', status: 'completed', url: 'https://example.com' },
      },
    ],
  });

export const EventAccepted = z
  .object({
    event_id: z.string(),
    duplicate: z.boolean().describe('The id was already there; nothing new was stored.'),
  })
  .meta({ id: 'EventAccepted', examples: [{ event_id: 'evt_06f8k2m1q9w3e5r7t0y2v4x6z8', duplicate: false }] });

export const EventTypes = z
  .object({ event_types: z.array(z.string()), categories: z.record(z.string(), z.array(z.string())) })
  .meta({
    id: 'EventTypes',
    examples: [{ event_types: ['scrape.completed'], categories: { scrape: ['scrape.completed'] } }],
  });

export const Explain = z
  .strictObject({
    type: z.string().min(1, 'must not be empty').max(128, 'must be at most 128 characters'),
    job_id: z.string().max(256, 'must be at most 256 characters').optional(),
    task_id: z.string().max(256, 'must be at most 256 characters').optional(),
    webhook_id: z
      .string()
      .max(64, 'must be at most 64 characters')
      .optional()
      .describe('Only this webhook; absent: all.'),
  })
  .meta({ id: 'Explain', examples: [{ type: 'task.executed', task_id: 'task-1' }] });

export const Explanation = z
  .object({
    webhook_id: z.string(),
    verdict: z.enum(['matched', 'filtered_by_type', 'filtered_by_scope', 'inactive']),
    reason: z.string().describe('For people: which rule decided.'),
  })
  .meta({ id: 'Explanation' });
