import { randomBytes } from 'node:crypto';
import { clone, create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Explanation_Verdict,
  Inactive_Reason,
  InactiveSchema,
  Scope,
  type Webhook,
  type WebhookConfig,
  WebhookConfigSchema,
  WebhookSchema,
  WebhookService,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { CATALOGUE, isCatalogued } from '@grapnel/domain/catalogue';
import { unknownType } from '@grapnel/domain/event/event';
import { newWebhookId } from '@grapnel/domain/ids';
import { checkConfig } from '@grapnel/domain/webhook/check-config';
import { DEFAULTS, type WebhookConfig as DomainConfig } from '@grapnel/domain/webhook/config';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type CallContext, type Handlers, type Registration, register } from '@grapnel/rpc/server';

/** A subscription service that remembers webhooks in a map; validation is the domain's. */
export class InMemoryWebhooks {
  readonly byId = new Map<string, Webhook>();
  /** What the last call carried. */
  lastCall: CallContext | null = null;
  lastOverlapSeconds: number | undefined;
  #clock = Date.UTC(2026, 0, 27, 10);

  get registration(): Registration {
    return register(WebhookService, 'tenant', this.#handlers());
  }

  #now() {
    return timestampFromMs(this.#clock++);
  }

  #own(call: CallContext, id: string): Webhook {
    this.lastCall = call;
    const webhook = this.byId.get(id);
    if (webhook === undefined || webhook.tenant !== tenantOf(call.principal)) throw RpcError.notFound('Webhook', id);
    return webhook;
  }

  #handlers(): Handlers<typeof WebhookService> {
    return {
      createWebhook: async ({ config }, call) => {
        this.lastCall = call;
        const complete = merged(DEFAULT_CONFIG, config);
        check(complete, complete);
        const at = this.#now();
        const webhook = create(WebhookSchema, {
          id: newWebhookId(Number(at.seconds) * 1_000 + at.nanos / 1e6, (bytes) => randomBytes(bytes)),
          tenant: tenantOf(call.principal),
          config: complete,
          active: true,
          createdAt: at,
          updatedAt: at,
        });
        this.byId.set(webhook.id, webhook);
        return { webhook, secret: randomBytes(32).toString('hex') };
      },
      getWebhook: async ({ webhookId }, call) => this.#own(call, webhookId),
      listWebhooks: async ({ pageSize, pageToken }, call) => {
        this.lastCall = call;
        const mine = [...this.byId.values()].filter(({ tenant }) => tenant === tenantOf(call.principal)).toReversed();
        const from = pageToken === '' ? 0 : mine.findIndex(({ id }) => id === pageToken) + 1;
        if (pageToken !== '' && from === 0) {
          throw RpcError.invalid([
            { field: 'page_token', code: 'INVALID_VALUE', message: 'is not from a previous page' },
          ]);
        }
        const webhooks = mine.slice(from, from + pageSize);
        return { webhooks, nextPageToken: from + pageSize < mine.length ? (webhooks.at(-1)?.id ?? '') : '' };
      },
      updateWebhook: async ({ webhookId, changes }, call) => {
        const webhook = this.#own(call, webhookId);
        const config = merged(webhook.config ?? DEFAULT_CONFIG, changes);
        check(config, changes ?? create(WebhookConfigSchema));
        Object.assign(webhook, { config, updatedAt: this.#now() });
        return webhook;
      },
      deleteWebhook: async ({ webhookId }, call) => {
        this.byId.delete(this.#own(call, webhookId).id);
        return {};
      },
      activateWebhook: async ({ webhookId }, call) => {
        const webhook = this.#own(call, webhookId);
        delete webhook.inactive;
        return Object.assign(webhook, { active: true, consecutiveFailures: 0 });
      },
      deactivateWebhook: async ({ webhookId }, call) => {
        const inactive = create(InactiveSchema, {
          reason: Inactive_Reason.DEACTIVATED,
          since: this.#now(),
          detail: 'deactivated by request',
        });
        return Object.assign(this.#own(call, webhookId), { active: false, inactive });
      },
      rotateSecret: async ({ webhookId, overlapSeconds }, call) => {
        const webhook = this.#own(call, webhookId);
        this.lastOverlapSeconds = overlapSeconds;
        Object.assign(webhook, { previousSecretsExpireAt: [this.#now()] });
        return { webhook, secret: randomBytes(32).toString('hex') };
      },
      testWebhook: async ({ webhookId }, call) => {
        this.#own(call, webhookId);
        return { deliveryId: `dlv_${'t'.repeat(26)}`, eventId: 'evt_test' };
      },
      explain: async ({ type, webhookId }, call) => {
        if (!isCatalogued(type)) throw RpcError.invalid([unknownType(type, 'type')]);
        const asked = webhookId === '' ? [...this.byId.values()] : [this.#own(call, webhookId)];
        return {
          explanations: asked.map(({ id, config }) => ({
            webhookId: id,
            verdict: config?.eventTypes?.values.includes(type)
              ? Explanation_Verdict.MATCHED
              : Explanation_Verdict.FILTERED_BY_TYPE,
            reason: 'because',
          })),
        };
      },
      attachJobWebhook: () => Promise.reject(NOT_HERE),
      getAccount: () => Promise.reject(NOT_HERE),
      rotateAccountSecret: () => Promise.reject(NOT_HERE),
      previewTemplate: () => Promise.reject(NOT_HERE),
      async *watchWebhooks() {},
      listEventTypes: async () => ({ eventTypes: CATALOGUE.map((type) => ({ ...type })) }),
    };
  }
}

const DEFAULT_CONFIG = create(WebhookConfigSchema, {
  scope: Scope.ALL,
  timeoutSeconds: DEFAULTS.timeoutSeconds,
  maxRetries: DEFAULTS.maxRetries,
  retryBackoffMultiplier: DEFAULTS.backoffMultiplier,
});

/** Tested with the real service in test/e2e. */
const NOT_HERE = new RpcError(Code.UNIMPLEMENTED, 'not part of this test');

function merged(config: WebhookConfig, changes: WebhookConfig | undefined): WebhookConfig {
  const given = Object.entries(changes ?? {}).filter(([name, value]) => {
    return value !== undefined && !(name === 'scope' && value === Scope.UNSPECIFIED);
  });
  return Object.assign(clone(WebhookConfigSchema, config), Object.fromEntries(given));
}

function check(config: WebhookConfig, changes: WebhookConfig): void {
  const complete: DomainConfig = { ...DEFAULTS, name: '', url: '', eventTypes: [], ...toDomain(config) };
  const violations = checkConfig(complete, toDomain(changes), { allowLocal: false, conditionProblem: () => null });
  if (violations.length > 0) throw RpcError.invalid(violations);
}

function toDomain(config: WebhookConfig): Partial<DomainConfig> {
  return {
    ...(config.name !== undefined && { name: config.name }),
    ...(config.url !== undefined && { url: config.url }),
    ...(config.eventTypes !== undefined && { eventTypes: config.eventTypes.values }),
    ...(config.scope !== Scope.UNSPECIFIED && { scope: config.scope === Scope.SPECIFIC ? 'specific' : 'all' }),
    ...(config.specificTaskIds !== undefined && { taskIds: config.specificTaskIds.values }),
    ...(config.customHeaders !== undefined && { customHeaders: config.customHeaders.entries }),
  };
}
