import { z } from 'zod';

export const EventTypes = z
  .object({ event_types: z.array(z.string()), categories: z.record(z.string(), z.array(z.string())) })
  .meta({
    id: 'EventTypes',
    examples: [{ event_types: ['scrape.completed'], categories: { scrape: ['scrape.completed'] } }],
  });

export const Explain = z
  .strictObject({
    type: z
      .string()
      .min(1, 'must not be empty')
      .max(128, 'must be at most 128 characters')
      .describe('A type of `GET /v1/webhook-events`.'),
    job_id: z.string().max(256, 'must be at most 256 characters').optional().describe('The job it would belong to.'),
    task_id: z.string().max(256, 'must be at most 256 characters').optional().describe('The task it would belong to.'),
    tags: z.array(z.string().max(100)).max(50).optional(),
    data: z.unknown().optional().describe('For webhooks with a condition.'),
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
    verdict: z.enum([
      'matched',
      'filtered_by_type',
      'filtered_by_scope',
      'filtered_by_job',
      'filtered_by_tags',
      'filtered_by_condition',
      'inactive',
    ]),
    reason: z.string().describe('For people: which rule decided.'),
  })
  .meta({ id: 'Explanation' });
