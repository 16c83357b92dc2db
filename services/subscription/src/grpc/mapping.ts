import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type WebhookConfig as ConfigMessage,
  Inactive_Reason,
  Scope,
  type WebhookSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { PROFILE_NAMES } from '@grapnel/domain/profiles/registry';
import { maskedUrl } from '@grapnel/domain/security/endpoint-url';
import { ORDERINGS, type WebhookChanges } from '@grapnel/domain/webhook/config';
import type { InactiveReason, Webhook } from '@grapnel/domain/webhook/webhook';
import { RpcError } from '@grapnel/rpc/errors';

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
    ...filtersFrom(config),
    ...sendingFrom(config),
    ...formatFrom(config),
  };
}

function filtersFrom(config: ConfigMessage): WebhookChanges {
  return {
    ...(config.jobId === undefined ? {} : { jobId: config.jobId === '' ? null : config.jobId }),
    ...(config.eventTags === undefined ? {} : { eventTags: [...new Set(config.eventTags.values)] }),
    ...(config.condition === undefined ? {} : { condition: config.condition === '' ? null : config.condition }),
  };
}

/** When deliveries leave; 0 and the empty list clear. */
function sendingFrom(config: ConfigMessage): WebhookChanges {
  const { ordering, rateLimitPerSecond, messageTtlSeconds } = config;
  return {
    ...(ordering === undefined ? {} : { ordering: oneOf('ordering', ordering, ORDERINGS) }),
    ...(rateLimitPerSecond === undefined ? {} : { rateLimitPerSecond: rateLimitPerSecond || null }),
    ...(messageTtlSeconds === undefined ? {} : { messageTtlSeconds: messageTtlSeconds || null }),
    ...(config.retryDelays === undefined
      ? {}
      : { retryDelaysSeconds: config.retryDelays.values.length === 0 ? null : config.retryDelays.values }),
  };
}

function formatFrom(config: ConfigMessage): WebhookChanges {
  const { profile, bodyEncoding, bodyFormat, signatureScheme, includeWebhookId, signed } = config;
  return {
    ...(profile === undefined ? {} : { profile: oneOf('profile', profile, PROFILE_NAMES) }),
    ...(bodyEncoding === undefined ? {} : { bodyEncoding: oneOf('body_encoding', bodyEncoding, ENCODINGS) }),
    ...(bodyFormat === undefined ? {} : { bodyFormat: oneOf('body_format', bodyFormat, FORMATS) }),
    ...(signatureScheme === undefined ? {} : { signatureScheme: oneOf('signature_scheme', signatureScheme, SCHEMES) }),
    ...(includeWebhookId === undefined ? {} : { includeWebhookId }),
    ...(signed === undefined ? {} : { signed }),
    ...(config.payloadTemplate === undefined ? {} : { payloadTemplate: config.payloadTemplate || null }),
    ...(config.headersTemplate === undefined ? {} : { headersTemplate: config.headersTemplate || null }),
  };
}

const ENCODINGS = ['json', 'python_json'] as const;
const FORMATS = ['profile', 'cloudevents'] as const;
const SCHEMES = ['v1', 'v1a'] as const;

function oneOf<T extends string>(field: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === given);
  if (found !== undefined) return found;
  throw RpcError.invalid([{ field, code: 'INVALID_VALUE', message: `must be one of ${allowed.join(', ')}` }]);
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
      url: maskedUrl(config.url),
      eventTypes: { values: [...config.eventTypes] },
      scope: config.scope === 'specific' ? Scope.SPECIFIC : Scope.ALL,
      specificTaskIds: { values: [...config.taskIds] },
      timeoutSeconds: config.timeoutSeconds,
      maxRetries: config.maxRetries,
      retryBackoffMultiplier: config.backoffMultiplier,
      customHeaders: { entries: { ...config.customHeaders } },
      tags: { values: [...config.tags] },
      metadata: config.metadata as NonNullable<MessageInitShape<typeof WebhookSchema>['config']>['metadata'] & object,
      profile: config.profile,
      jobId: config.jobId ?? '',
      eventTags: { values: [...config.eventTags] },
      condition: config.condition ?? '',
      retryDelays: { values: [...(config.retryDelaysSeconds ?? [])] },
      ordering: config.ordering,
      rateLimitPerSecond: config.rateLimitPerSecond ?? 0,
      messageTtlSeconds: config.messageTtlSeconds ?? 0,
      bodyEncoding: config.bodyEncoding,
      bodyFormat: config.bodyFormat,
      includeWebhookId: config.includeWebhookId,
      payloadTemplate: config.payloadTemplate ?? '',
      headersTemplate: config.headersTemplate ?? '',
      signed: config.signed,
      signatureScheme: config.signatureScheme,
    },
    publicKey: webhook.secrets[0]?.publicKey ?? '',
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

const REASONS: Readonly<Record<InactiveReason, Inactive_Reason>> = {
  deactivated: Inactive_Reason.DEACTIVATED,
  auto_disabled: Inactive_Reason.AUTO_DISABLED,
  retired: Inactive_Reason.RETIRED,
};

export const reasonOf = (reason: InactiveReason): Inactive_Reason => REASONS[reason];
