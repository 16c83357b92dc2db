import { PROFILE_NAMES } from '@grapnel/domain/profiles/registry';
import { DEFAULTS, LIMITS, ORDERINGS } from '@grapnel/domain/webhook/config';
import { z } from 'zod';
import { list, number, text, wholeNumber } from './fields.ts';

const TEMPLATE_ALLOWED = 'must be JSON, as an object or as its text';

/** A template may be written as the JSON it is, or as text: text alone can hold what JSON objects cannot. */
const template = z
  .union([z.string(), z.record(z.string(), z.unknown())], { error: TEMPLATE_ALLOWED })
  .nullable()
  .describe(
    'Variables: `{{userId}}`, `{{createdAt}}`, `{{eventType}}`, `{{eventData.…}}`, `{{resource.…}}`, `{{globals.…}}`.',
  );

/** Filters and options beyond the basic fields; which profile takes which is checked where webhooks are decided. */
export const webhookOptions = {
  profile: z
    .enum(PROFILE_NAMES as [string, ...string[]])
    .optional()
    .meta({ default: DEFAULTS.profile })
    .describe('The wire format: body, headers, signature and schedule. Decided at creation.'),
  event_tags: list(text({ min: 1, max: LIMITS.eventTags.chars }), LIMITS.eventTags)
    .optional()
    .describe('Only events that carry one of these tags.'),
  condition: z
    .string()
    .max(LIMITS.condition.max, `must be at most ${LIMITS.condition.max} characters`)
    .nullable()
    .optional()
    .meta({ examples: ['data.status == "failed" || data.total > 100'] })
    .describe(
      'A CEL expression over `type`, `job_id`, `task_id`, `tags`, `time` and `data`; only events for which it holds.',
    ),
  retry_delays: list(wholeNumber(LIMITS.retryDelays.seconds), LIMITS.retryDelays)
    .nullable()
    .optional()
    .describe("Seconds before each retry, instead of the profile's schedule; `null` for the profile's."),
  ordering: z
    .enum(ORDERINGS)
    .optional()
    .meta({ default: DEFAULTS.ordering })
    .describe(
      '`job`: the end of a job is not sent before everything else of it has been tried once. `strict`: deliveries of one ' +
        'key leave one after another, each when the one before has been delivered, has failed for good or was skipped. ' +
        'The key is the event’s job id, else its task id, else the webhook as a whole. Replays and tests keep no order.',
    ),
  rate_limit_per_second: number(LIMITS.rateLimitPerSecond)
    .nullable()
    .optional()
    .describe('Attempts per second to this endpoint, may be fractional; `null` for no limit.'),
  message_ttl_seconds: wholeNumber(LIMITS.messageTtlSeconds)
    .nullable()
    .optional()
    .describe(
      'What has not been delivered so many seconds after it was made, or asked for again, is not sent any more; ' +
        '`null` for no limit.',
    ),
  body_encoding: z
    .enum(['json', 'python_json'])
    .optional()
    .meta({ default: DEFAULTS.bodyEncoding })
    .describe(
      '`python_json` writes the body as `json.dumps` does, for receivers that serialise again before they verify.',
    ),
  body_format: z
    .enum(['profile', 'cloudevents'])
    .optional()
    .meta({ default: DEFAULTS.bodyFormat })
    .describe('Profile `standard`: `cloudevents` sends a structured CloudEvent 1.0.'),
  include_webhook_id: z
    .boolean()
    .optional()
    .describe(
      'Profile `firecrawl`: adds `webhookId` to the envelope, the id of the delivery, the same on every attempt.',
    ),
  payload_template: template.optional(),
  headers_template: template.optional(),
  signed: z.boolean().optional().meta({ default: DEFAULTS.signed }).describe('Profile `template`.'),
  signature_scheme: z
    .enum(['v1', 'v1a'])
    .optional()
    .meta({ default: DEFAULTS.signatureScheme })
    .describe('Profile `standard`: symmetric `v1` or Ed25519 `v1a`. Decided at creation.'),
} as const;

/** The same in answers. */
export const shownOptions = {
  profile: z.string(),
  job_id: z.string().nullable().describe('The job it is attached to.'),
  event_tags: z.array(z.string()),
  condition: z.string().nullable(),
  retry_delays: z.array(z.number()).nullable(),
  ordering: z.string(),
  rate_limit_per_second: z.number().nullable(),
  message_ttl_seconds: z.number().nullable(),
  body_encoding: z.string(),
  body_format: z.string(),
  include_webhook_id: z.boolean(),
  payload_template: z.string().nullable(),
  headers_template: z.string().nullable(),
  signed: z.boolean(),
  signature_scheme: z.string(),
  public_key: z.string().nullable().describe('What receivers verify `v1a` signatures with.'),
} as const;
