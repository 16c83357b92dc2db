import { DEFAULT_ROTATION_OVERLAP_SECONDS, DEFAULTS, LIMITS } from '@grapnel/domain/webhook/config';
import { z } from 'zod';
import { TEXTS } from '../../texts.ts';
import { CustomHeaders } from './custom-headers.ts';
import { count, list, number, text, timestamp, wholeNumber } from './fields.ts';
import { checkMetadata, type JsonObject } from './metadata.ts';
import { shownOptions, webhookOptions } from './webhook-options.ts';

const EXAMPLE_ID = 'wh_06f8k2m1q9w3e5r7t0y2v4x6z8';

const name = text(LIMITS.name).describe('What people call it.');
const description = text(LIMITS.description).nullable().describe('`null` or empty clears it.');
export const webhookUrl = text({ min: 1, max: LIMITS.url.max }).describe(
  'http or https; must not point to a private address.',
);
const eventTypes = list(
  z.string().min(1, 'must not be empty').max(128, 'must be at most 128 characters'),
  LIMITS.eventTypes,
).describe('Types of `GET /v1/webhook-events`, `family.*`, or `*` for all.');
const scope = z
  .enum(['all', 'specific'])
  .describe('`specific`: only events whose task id is listed in `specific_task_ids`.');
const taskIds = list(text({ min: 1, max: LIMITS.taskIds.chars }), LIMITS.taskIds).describe(
  'Required when scope is `specific`.',
);
const timeoutSeconds = wholeNumber(LIMITS.timeoutSeconds);
const maxRetries = wholeNumber(LIMITS.maxRetries).describe('Attempts in all are one more.');
const backoffMultiplier = number(LIMITS.backoffMultiplier).describe(
  'The delay before retry n is multiplier^(n-1) minutes.',
);
export const customHeaders = CustomHeaders.describe(
  'Sent with every delivery; they never replace a header of the platform.',
);
const tags = list(text({ min: 1, max: LIMITS.tags.chars }), LIMITS.tags);
export const metadata = z
  .custom<JsonObject>()
  .check(checkMetadata)
  .meta({ type: 'object', additionalProperties: true })
  .describe(`Anything of your own, at most ${LIMITS.metadata.bytes} bytes of JSON.`);

export const CreateWebhook = z
  .strictObject({
    name,
    description: description.optional(),
    webhook_url: webhookUrl,
    event_types: eventTypes,
    scope: scope.optional().meta({ default: DEFAULTS.scope }),
    specific_task_ids: taskIds.optional(),
    timeout_seconds: timeoutSeconds.optional().meta({ default: DEFAULTS.timeoutSeconds }),
    max_retries: maxRetries.optional().meta({ default: DEFAULTS.maxRetries }),
    retry_backoff_multiplier: backoffMultiplier.optional().meta({ default: DEFAULTS.backoffMultiplier }),
    custom_headers: customHeaders.optional(),
    tags: tags.optional(),
    metadata: metadata.optional(),
    ...webhookOptions,
  })
  .meta({
    id: 'CreateWebhook',
    examples: [
      {
        name: 'Production Notifications',
        webhook_url: 'https://example.com/webhooks',
        event_types: ['scrape.completed', 'scrape.failed'],
      },
    ],
  });

export const UpdateWebhook = CreateWebhook.partial().meta({
  id: 'UpdateWebhook',
  description:
    'Absent fields stay as they are; an empty object changes nothing. The secret has its own call, rotate-secret.',
  examples: [{ event_types: ['scrape.completed', 'crawl.completed'] }],
});

/** Of a webhook's secret, or of the account's. */
export const rotation = z
  .strictObject({
    overlap_seconds: wholeNumber(LIMITS.rotationOverlapSeconds)
      .optional()
      .meta({ default: DEFAULT_ROTATION_OVERLAP_SECONDS })
      .describe('How long the old secret goes on signing beside the new one.'),
  })
  .optional();

export const RotateSecret = rotation.meta({ id: 'RotateSecret', examples: [{ overlap_seconds: 3_600 }] });

export const WebhookCreated = z.object({ webhook_id: z.string(), secret: z.string(), message: z.string() }).meta({
  id: 'WebhookCreated',
  examples: [{ webhook_id: EXAMPLE_ID, secret: '64 hexadecimal characters', message: TEXTS.created }],
});

export const SecretRotated = z
  .object({
    webhook_id: z.string(),
    secret: z.string(),
    previous_secrets_expire_at: z.array(timestamp).describe('When the older secrets stop signing, newest first.'),
    message: z.string(),
  })
  .meta({ id: 'SecretRotated' });

const fromHistory = '`null` while the delivery history is away.';

export const Webhook = z
  .object({
    uuid: z.string().meta({ examples: [EXAMPLE_ID] }),
    webhook_id: z.string().describe('The same.'),
    name: z.string(),
    description: z.string().nullable(),
    webhook_url: z.string(),
    webhook_secret: z.literal(TEXTS.hiddenSecret),
    event_types: z.array(z.string()),
    scope: z.enum(['all', 'specific']),
    specific_task_ids: z.array(z.string()),
    timeout_seconds: count,
    max_retries: count,
    retry_backoff_multiplier: z.number(),
    custom_headers: z
      .record(z.string(), z.string())
      .describe('As configured: what a tenant puts here, its API keys can read.'),
    tags: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()),
    is_active: z.boolean(),
    ...shownOptions,
    disabled_reason: z.enum(['deactivated', 'auto_disabled', 'retired']).nullable().describe('Why it is not active.'),
    disabled_detail: z.string().nullable().describe('For people, e.g. which failures disabled it.'),
    disabled_at: timestamp.nullable(),
    consecutive_failures: count,
    total_deliveries: count.nullable().describe(fromHistory),
    successful_deliveries: count.nullable().describe(fromHistory),
    failed_deliveries: count.nullable().describe(fromHistory),
    last_success_at: timestamp.nullable().describe(`Also ${fromHistory}`),
    last_failure_at: timestamp.nullable().describe(`Also ${fromHistory}`),
    previous_secrets_expire_at: z
      .array(timestamp)
      .describe('When rotated-out secrets stop signing; empty when one secret signs.'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Webhook' });
