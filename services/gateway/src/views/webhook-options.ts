import type { Webhook, WebhookConfig } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { DEFAULTS } from '@grapnel/domain/webhook/config';
import type { WebhookJson } from './webhook.ts';

type OptionsJson = Pick<
  WebhookJson,
  | 'profile'
  | 'job_id'
  | 'event_tags'
  | 'condition'
  | 'retry_delays'
  | 'ordering'
  | 'rate_limit_per_second'
  | 'message_ttl_seconds'
  | 'body_encoding'
  | 'body_format'
  | 'include_webhook_id'
  | 'payload_template'
  | 'headers_template'
  | 'signed'
  | 'signature_scheme'
  | 'public_key'
>;

/** Filters and options; what the contract says with the empty text or 0 is `null` here. */
export function optionsJson(config: WebhookConfig, { publicKey }: Webhook): OptionsJson {
  const delays = config.retryDelays?.values ?? [];
  return {
    profile: config.profile ?? DEFAULTS.profile,
    job_id: config.jobId || null,
    event_tags: config.eventTags?.values ?? [],
    condition: config.condition || null,
    retry_delays: delays.length === 0 ? null : delays,
    ordering: config.ordering ?? DEFAULTS.ordering,
    rate_limit_per_second: config.rateLimitPerSecond || null,
    message_ttl_seconds: config.messageTtlSeconds || null,
    body_encoding: config.bodyEncoding ?? DEFAULTS.bodyEncoding,
    body_format: config.bodyFormat ?? DEFAULTS.bodyFormat,
    include_webhook_id: config.includeWebhookId ?? DEFAULTS.includeWebhookId,
    payload_template: config.payloadTemplate || null,
    headers_template: config.headersTemplate || null,
    signed: config.signed ?? DEFAULTS.signed,
    signature_scheme: config.signatureScheme ?? DEFAULTS.signatureScheme,
    public_key: publicKey || null,
  };
}
