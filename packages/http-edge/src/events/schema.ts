import { LIMITS } from '@grapnel/domain/webhook/config';
import { z } from 'zod';

/** The body of `POST /v1/events`. What a type, an id or a reference may be is the domain's to say. */
export const PublishEvent = z
  .strictObject({
    id: z.string().optional().describe('Your own id; the same id within 10 minutes is one event. Absent: one is made.'),
    type: z.string().describe('A type of `GET /v1/webhook-events`.'),
    job_id: z.string().optional().describe('The job it belongs to.'),
    task_id: z.string().optional().describe('The task it belongs to. Webhooks of scope `specific` match on it.'),
    tags: z.array(z.string()).optional().describe(`For webhooks that filter by them: at most ${LIMITS.eventTags.max}.`),
    time: z.iso
      .datetime({ offset: true, error: ({ code }) => (code === 'invalid_format' ? TIME_ALLOWED : undefined) })
      .optional()
      .describe('When it happened. Absent: now.'),
    data: z.unknown().describe('Any JSON value of at most 1 MB and 64 levels; numbers keep their digits.'),
  })
  .meta({
    id: 'PublishEvent',
    description: 'One event.',
    examples: [
      {
        type: 'scrape.completed',
        job_id: 'job-1',
        data: { job_id: 'job-1', status: 'completed', url: 'https://example.com' },
      },
    ],
  });

const TIME_ALLOWED = 'must be an ISO 8601 time with its zone, e.g. 2026-01-31T12:00:00Z';

const EventAccepted = z
  .object({
    event_id: z.string(),
    duplicate: z.boolean().describe('The id was already there; nothing new was stored.'),
  })
  .meta({ id: 'EventAccepted', examples: [{ event_id: 'evt_06f8k2m1q9w3e5r7t0y2v4x6z8', duplicate: false }] });

/** `data` of the answer: of one event, or of each event of a CloudEvents batch, in its order. */
export const Published = z.union([EventAccepted, z.object({ events: z.array(EventAccepted) })]);
