import type { MessageInitShape } from '@bufbuild/protobuf';
import { Scope, type WebhookConfigSchema } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { z } from 'zod';
import type { UpdateWebhook } from '../http/schemas/webhook.ts';

/** What a tenant wrote → what the subscription service takes; absent stays absent. */
export function configMessage(given: z.output<typeof UpdateWebhook>): MessageInitShape<typeof WebhookConfigSchema> {
  return {
    ...(given.name !== undefined && { name: given.name }),
    // The contract clears a description with the empty text.
    ...(given.description !== undefined && { description: given.description ?? '' }),
    ...(given.webhook_url !== undefined && { url: given.webhook_url }),
    ...(given.event_types !== undefined && { eventTypes: { values: given.event_types } }),
    ...(given.scope !== undefined && { scope: given.scope === 'all' ? Scope.ALL : Scope.SPECIFIC }),
    ...(given.specific_task_ids !== undefined && { specificTaskIds: { values: given.specific_task_ids } }),
    ...(given.timeout_seconds !== undefined && { timeoutSeconds: given.timeout_seconds }),
    ...(given.max_retries !== undefined && { maxRetries: given.max_retries }),
    ...(given.retry_backoff_multiplier !== undefined && { retryBackoffMultiplier: given.retry_backoff_multiplier }),
    ...(given.custom_headers !== undefined && { customHeaders: { entries: given.custom_headers } }),
    ...(given.tags !== undefined && { tags: { values: given.tags } }),
    ...(given.metadata !== undefined && { metadata: given.metadata }),
    ...optionsMessage(given),
  };
}

/** `null` clears, which the contract says with the empty text or list, or 0. */
function optionsMessage(given: z.output<typeof UpdateWebhook>) {
  return {
    ...(given.profile !== undefined && { profile: given.profile }),
    ...(given.event_tags !== undefined && { eventTags: { values: given.event_tags } }),
    ...(given.condition !== undefined && { condition: given.condition ?? '' }),
    ...(given.retry_delays !== undefined && { retryDelays: { values: given.retry_delays ?? [] } }),
    ...(given.ordering !== undefined && { ordering: given.ordering }),
    ...(given.rate_limit_per_second !== undefined && { rateLimitPerSecond: given.rate_limit_per_second ?? 0 }),
    ...(given.message_ttl_seconds !== undefined && { messageTtlSeconds: given.message_ttl_seconds ?? 0 }),
    ...(given.body_encoding !== undefined && { bodyEncoding: given.body_encoding }),
    ...(given.body_format !== undefined && { bodyFormat: given.body_format }),
    ...(given.include_webhook_id !== undefined && { includeWebhookId: given.include_webhook_id }),
    ...(given.payload_template !== undefined && { payloadTemplate: templateText(given.payload_template) }),
    ...(given.headers_template !== undefined && { headersTemplate: templateText(given.headers_template) }),
    ...(given.signed !== undefined && { signed: given.signed }),
    ...(given.signature_scheme !== undefined && { signatureScheme: given.signature_scheme }),
  };
}

/** A template as the text that is kept; numbers keep their digits. */
export function templateText(template: string | Record<string, unknown> | null): string {
  if (template === null) return '';
  return typeof template === 'string' ? template : JSON.stringify(template);
}
