import { z } from 'zod';

const EventType = z
  .object({
    name: z.string(),
    category: z.string(),
    description: z.string(),
    version: z.int().min(1).describe('Grows when an operator changes a registered type.'),
    example: z.unknown().describe('What `data` looks like; `null` for none.'),
    schema: z.unknown().optional().describe('JSON Schema (draft 2020-12) that `data` is held to; absent: any data.'),
  })
  .meta({ id: 'EventType' });

export const EventTypes = z
  .object({
    event_types: z.array(z.string()),
    categories: z.record(z.string(), z.array(z.string())),
    types: z.array(EventType).describe('The same types, described.'),
  })
  .meta({
    id: 'EventTypes',
    examples: [
      {
        event_types: ['task.resumed'],
        categories: { task: ['task.resumed'] },
        types: [
          {
            name: 'task.resumed',
            category: 'task',
            description: 'A scheduled task goes on.',
            version: 1,
            example: { task_id: 'task-uuid-1', task_name: 'Daily', task_type: 'scrape', status: 'active' },
          },
        ],
      },
    ],
  });

export const TestWebhook = z
  .strictObject({
    event_type: z
      .string()
      .min(1, 'must not be empty')
      .max(128, 'must be at most 128 characters')
      .optional()
      .describe('Which type of `GET /v1/webhook-events` has its example sent; `webhook.test` when absent.'),
  })
  .optional()
  .meta({ id: 'TestWebhook', examples: [{ event_type: 'crawl.page' }] });

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
