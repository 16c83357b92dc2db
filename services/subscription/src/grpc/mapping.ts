import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type WebhookConfig as ConfigMessage,
  Inactive_Reason,
  Scope,
  type WebhookSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { WebhookChanges } from '@grapnel/domain/webhook/config';
import type { Webhook } from '@grapnel/domain/webhook/webhook';

/** Only what the caller has set; an unset field is no change. */
export function changesFrom(config: ConfigMessage | undefined): WebhookChanges {
  if (config === undefined) return {};
  return {
    ...(config.name === undefined ? {} : { name: config.name }),
    ...(config.description === undefined ? {} : { description: config.description === '' ? null : config.description }),
    ...(config.url === undefined ? {} : { url: config.url }),
    ...(config.eventTypes === undefined ? {} : { eventTypes: [...new Set(config.eventTypes.values)] }),
    ...(config.scope === Scope.UNSPECIFIED ? {} : { scope: config.scope === Scope.SPECIFIC ? 'specific' : 'all' }),
    ...(config.specificTaskIds === undefined ? {} : { taskIds: [...new Set(config.specificTaskIds.values)] }),
    ...(config.timeoutSeconds === undefined ? {} : { timeoutSeconds: config.timeoutSeconds }),
    ...(config.maxRetries === undefined ? {} : { maxRetries: config.maxRetries }),
    ...(config.retryBackoffMultiplier === undefined ? {} : { backoffMultiplier: config.retryBackoffMultiplier }),
    ...(config.customHeaders === undefined ? {} : { customHeaders: { ...config.customHeaders.entries } }),
    ...(config.tags === undefined ? {} : { tags: config.tags.values }),
    ...(config.metadata === undefined ? {} : { metadata: config.metadata }),
  };
}

/** Never a secret: only when the older ones expire. */
export function toMessage(webhook: Webhook, revision: number): MessageInitShape<typeof WebhookSchema> {
  const { config, status } = webhook;
  return {
    id: webhook.id,
    tenant: webhook.tenant,
    config: {
      name: config.name,
      description: config.description ?? '',
      url: config.url,
      eventTypes: { values: [...config.eventTypes] },
      scope: config.scope === 'specific' ? Scope.SPECIFIC : Scope.ALL,
      specificTaskIds: { values: [...config.taskIds] },
      timeoutSeconds: config.timeoutSeconds,
      maxRetries: config.maxRetries,
      retryBackoffMultiplier: config.backoffMultiplier,
      customHeaders: { entries: { ...config.customHeaders } },
      tags: { values: [...config.tags] },
      metadata: config.metadata as NonNullable<MessageInitShape<typeof WebhookSchema>['config']>['metadata'] & object,
    },
    active: status.kind === 'active',
    ...(status.kind === 'active'
      ? {}
      : {
          inactive: { reason: reasonOf(status.reason), since: timestampFromMs(status.since), detail: status.detail },
        }),
    consecutiveFailures: webhook.health.consecutiveFailures,
    createdAt: timestampFromMs(webhook.createdAt),
    updatedAt: timestampFromMs(webhook.updatedAt),
    revision: BigInt(revision),
    previousSecretsExpireAt: webhook.secrets.flatMap(({ expiresAt }) =>
      expiresAt === null ? [] : [timestampFromMs(expiresAt)],
    ),
  };
}

export const reasonOf = (reason: 'deactivated' | 'auto_disabled'): Inactive_Reason =>
  reason === 'deactivated' ? Inactive_Reason.DEACTIVATED : Inactive_Reason.AUTO_DISABLED;
