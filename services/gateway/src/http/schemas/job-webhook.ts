import { z } from 'zod';
import { CustomHeaders } from './custom-headers.ts';
import { list, text, timestamp } from './fields.ts';
import { metadata, rotation, webhookUrl } from './webhook.ts';

/** FC-06: the object, or the bare URL. */
export const AttachJobWebhook = z
  .union([
    z.strictObject({
      url: webhookUrl,
      headers: CustomHeaders.optional(),
      metadata: metadata.optional(),
      events: list(text({ min: 1, max: 128 }), { max: 50 })
        .optional()
        .describe('Full types, or what follows their first dot (`page`, `completed`); absent or empty: all.'),
      includeWebhookId: z.boolean().optional(),
    }),
    z.string().describe('The bare URL.'),
  ])
  .meta({
    id: 'AttachJobWebhook',
    examples: [
      { url: 'https://example.com/hooks', metadata: { order: '17' }, events: ['page', 'completed'] },
      'https://example.com/hooks',
    ],
  });

export const JobParams = z.object({ jobId: text({ min: 1, max: 256 }).describe('Your id of the job.') });

export const JobWebhookAttached = z
  .object({
    webhook_id: z.string(),
    job_id: z.string(),
    events: z.array(z.string()),
    account_secret: z.string().nullable().describe('Shown once, when this call has made it; else `null`.'),
    message: z.string(),
  })
  .meta({ id: 'JobWebhookAttached' });

export const Account = z
  .object({
    has_secret: z.boolean().describe('Whether there is a secret that signs job webhooks.'),
    secret_created_at: timestamp.nullable(),
  })
  .meta({ id: 'Account' });

export const RotateAccountSecret = rotation.meta({
  id: 'RotateAccountSecret',
  examples: [{ overlap_seconds: 3_600 }],
});

export const AccountSecretMade = z
  .object({ secret: z.string(), message: z.string() })
  .meta({ id: 'AccountSecretMade' });
