import type { WebhookStatistics } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { Inactive_Reason, Scope, type Webhook } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { z } from 'zod';
import type { Webhook as WebhookSchema } from '../http/schemas/webhook.ts';
import { TEXTS } from '../texts.ts';
import { isoTime, requiredTime } from './time.ts';
import { optionsJson } from './webhook-options.ts';

export type WebhookJson = z.output<typeof WebhookSchema>;

/** Counters of one webhook; `null` while the history is away. */
export type Totals = Pick<
  WebhookJson,
  'total_deliveries' | 'successful_deliveries' | 'failed_deliveries' | 'last_success_at' | 'last_failure_at'
>;

export const UNKNOWN_TOTALS: Totals = {
  total_deliveries: null,
  successful_deliveries: null,
  failed_deliveries: null,
  last_success_at: null,
  last_failure_at: null,
};

/** A webhook that the history has not heard of has delivered nothing yet. */
export function totalsOf(statistics: WebhookStatistics | undefined): Totals {
  return {
    total_deliveries: Number(statistics?.totalDeliveries ?? 0n),
    successful_deliveries: Number(statistics?.successfulDeliveries ?? 0n),
    failed_deliveries: Number(statistics?.failedDeliveries ?? 0n),
    last_success_at: isoTime(statistics?.lastSuccessAt),
    last_failure_at: isoTime(statistics?.lastFailureAt),
  };
}

/** AC-05: every configured field, never a secret. */
export function webhookJson(webhook: Webhook, totals: Totals): WebhookJson {
  const { config, inactive } = webhook;
  if (config === undefined) throw new Error(`webhook ${webhook.id} came without its configuration`);
  return {
    uuid: webhook.id,
    webhook_id: webhook.id,
    name: config.name ?? '',
    description: config.description === undefined || config.description === '' ? null : config.description,
    webhook_url: config.url ?? '',
    webhook_secret: TEXTS.hiddenSecret,
    event_types: config.eventTypes?.values ?? [],
    scope: config.scope === Scope.SPECIFIC ? 'specific' : 'all',
    specific_task_ids: config.specificTaskIds?.values ?? [],
    timeout_seconds: config.timeoutSeconds ?? 0,
    max_retries: config.maxRetries ?? 0,
    retry_backoff_multiplier: config.retryBackoffMultiplier ?? 0,
    custom_headers: config.customHeaders?.entries ?? {},
    tags: config.tags?.values ?? [],
    metadata: config.metadata ?? {},
    ...optionsJson(config, webhook),
    is_active: webhook.active,
    disabled_reason: webhook.active ? null : reasonName(inactive?.reason),
    disabled_detail: webhook.active || inactive === undefined || inactive.detail === '' ? null : inactive.detail,
    disabled_at: webhook.active ? null : isoTime(inactive?.since),
    consecutive_failures: webhook.consecutiveFailures,
    ...totals,
    previous_secrets_expire_at: expiries(webhook),
    created_at: requiredTime(webhook.createdAt, 'created_at'),
    updated_at: requiredTime(webhook.updatedAt, 'updated_at'),
  };
}

export const expiries = (webhook: Webhook): string[] =>
  webhook.previousSecretsExpireAt.map((at) => requiredTime(at, 'previous_secrets_expire_at'));

function reasonName(reason: Inactive_Reason | undefined): WebhookJson['disabled_reason'] {
  switch (reason) {
    case Inactive_Reason.DEACTIVATED:
      return 'deactivated';
    case Inactive_Reason.AUTO_DISABLED:
      return 'auto_disabled';
    case Inactive_Reason.RETIRED:
      return 'retired';
    default:
      return null;
  }
}
