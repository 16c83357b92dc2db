import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Explanation_Verdict, WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { Topology } from '@grapnel/contracts/topology';
import { unknownType } from '@grapnel/domain/event/event';
import { type Entropy, isWebhookId, newWebhookId, type TenantId, type WebhookId } from '@grapnel/domain/ids';
import { parseJsonBytes } from '@grapnel/domain/json';
import { describeVerdict, judge, type Verdict } from '@grapnel/domain/match';
import { profileOf } from '@grapnel/domain/profiles/registry';
import type { KeyRing } from '@grapnel/domain/security/keyring';
import type { ConfigPolicy } from '@grapnel/domain/webhook/check-config';
import { DEFAULT_ROTATION_OVERLAP_SECONDS } from '@grapnel/domain/webhook/config';
import type { WebhookCommand } from '@grapnel/domain/webhook/decide';
import { overlapViolation } from '@grapnel/domain/webhook/secrets';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import { pageByIds, pageSizeOf } from '@grapnel/rpc/paging';
import { type CallContext, type Handlers, type Registration, register } from '@grapnel/rpc/server';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import { accountOf, rotateAccountSecret } from '../account.ts';
import { changeFeed } from '../change-feed.ts';
import { commandWebhook } from '../command-webhook.ts';
import type { WebhookConditions } from '../conditions.ts';
import { createWebhook, nameViolations } from '../create-webhook.ts';
import type { Directory } from '../directory.ts';
import type { Resolve } from '../endpoint-names.ts';
import type { KnownTypes } from '../event-types/known-types.ts';
import { purgeStreams } from '../purge-deleted.ts';
import { confirmation } from '../recency.ts';
import { sendTest, type TestedType } from '../send-test.ts';
import { newWebhookSecret } from '../webhook-secret.ts';
import { attachJobWebhook, checkRoomInJob } from './attach-job-webhook.ts';
import { changesFrom, toMessage } from './mapping.ts';
import { previewTemplate } from './preview-template.ts';
import { contended, full, refusal, storing } from './refusals.ts';

export interface WebhookServiceContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly entropy: Entropy;
  readonly keyRing: KeyRing;
  readonly policy: ConfigPolicy;
  readonly conditions: WebhookConditions;
  readonly resolve: Resolve;
  readonly known: KnownTypes;
  readonly brand: string;
  readonly maxWebhooksPerTenant: number;
  readonly maxWebhooksPerJob: number;
}

const PAGE = { default: 100, max: 1_000 };

/** The gRPC edge of webhooks: who asks, what is asked, what is answered. The decisions are the domain's. */
export function webhookService(context: WebhookServiceContext): Registration {
  return register(WebhookService, 'tenant', handlers(context));
}

function handlers(context: WebhookServiceContext): Handlers<typeof WebhookService> {
  const { directory, streams, names, clock } = context;
  const command = async (tenant: TenantId, id: string, made: (id: WebhookId) => WebhookCommand) => {
    if (!isWebhookId(id)) throw RpcError.notFound('Webhook', id);
    const done = await storing(() => commandWebhook({ webhooks: directory, streams, names }, tenant, id, made(id)));
    if (!done.ok) throw refusal(done.error, id);
    await confirmation(clock);
    return done.value;
  };
  const changed = async (call: CallContext, id: string, made: (id: WebhookId) => WebhookCommand) => {
    const { state, revision } = await command(tenantOf(call.principal), id, made);
    if (state.kind !== 'present') throw RpcError.notFound('Webhook', id);
    return toMessage(state.webhook, revision);
  };
  const existing = (call: CallContext, id: string) => {
    const found = isWebhookId(id) ? directory.ofTenant(tenantOf(call.principal), id) : null;
    if (found === null) throw RpcError.notFound('Webhook', id);
    return found;
  };

  return {
    async createWebhook({ config }, call) {
      const tenant = tenantOf(call.principal);
      if (directory.countOf(tenant) >= context.maxWebhooksPerTenant) {
        throw full(`at most ${context.maxWebhooksPerTenant} webhooks per tenant`);
      }
      if (config?.jobId) checkRoomInJob(context, tenant, config.jobId);
      const id = newWebhookId(clock.now(), context.entropy);
      const made = await storing(() => createWebhook(context, tenant, id, changesFrom(config)));
      if (!made.ok) throw refusal(made.error, id);
      await confirmation(clock);
      const { webhook, revision, secret } = made.value;
      return { webhook: toMessage(webhook, revision), secret: secret ?? '' };
    },

    attachJobWebhook: (request, call) => attachJobWebhook(context, call, request),

    async getAccount(_request, call) {
      const account = accountOf(directory, tenantOf(call.principal));
      if (account === null) return { hasSecret: false };
      return { hasSecret: true, secretCreatedAt: timestampFromMs(account.secretCreatedAt) };
    },

    async rotateAccountSecret({ overlapSeconds }, call) {
      const overlapMs = (overlapSeconds ?? DEFAULT_ROTATION_OVERLAP_SECONDS) * 1_000;
      const wrong = overlapViolation(overlapMs);
      if (wrong !== null) throw RpcError.invalid([wrong]);
      const made = await storing(() => rotateAccountSecret(context, tenantOf(call.principal), overlapMs));
      if (!made.ok) throw contended();
      return { secret: made.value ?? '' };
    },

    previewTemplate: (request, call) => previewTemplate(request, tenantOf(call.principal), clock.now(), context.known),

    async getWebhook({ webhookId }, call) {
      const { webhook, revision } = existing(call, webhookId);
      return toMessage(webhook, revision);
    },

    async listWebhooks(request, call) {
      const { jobId } = request;
      const size = pageSizeOf(request, PAGE, isWebhookId);
      const tenant = tenantOf(call.principal);
      const ids =
        jobId === ''
          ? directory.idsOf(tenant)
          : directory.jobWebhooksOf(tenant).filter((id) => belongsTo(jobId, directory.ofTenant(tenant, id)?.webhook));
      const { entries, nextPageToken } = pageByIds(request, size, ids, (id) => id);
      const webhooks = entries.flatMap((id) => {
        const found = directory.ofTenant(tenant, id);
        return found === null ? [] : [toMessage(found.webhook, found.revision)];
      });
      return { webhooks, nextPageToken };
    },

    async updateWebhook({ webhookId, changes: given }, call) {
      const changes = changesFrom(given);
      const violations = await nameViolations(context, changes);
      const { policy } = context;
      return changed(call, webhookId, () => ({ type: 'update', at: clock.now(), changes, policy, violations }));
    },

    async deleteWebhook({ webhookId }, call) {
      const tenant = tenantOf(call.principal);
      await command(tenant, webhookId, () => ({ type: 'delete', at: clock.now() }));
      // Stored already: if this fails, the sweep of deleted webhooks does it later.
      await purgeStreams(streams, names, webhookId as WebhookId).catch((error: unknown) => {
        context.logger.warn({ err: error, webhook: webhookId }, 'purging a deleted webhook is left to the sweep');
      });
      return {};
    },

    activateWebhook: ({ webhookId }, call) => changed(call, webhookId, () => ({ type: 'activate', at: clock.now() })),

    deactivateWebhook: ({ webhookId }, call) =>
      changed(call, webhookId, () => ({ type: 'deactivate', at: clock.now() })),

    async rotateSecret({ webhookId, overlapSeconds }, call) {
      const { config } = existing(call, webhookId).webhook;
      const made = newWebhookSecret(
        // Where the account's secret signs, the decision refuses; the kind does not matter.
        profileOf(config.profile).secrets === 'standard' ? 'standard' : 'hex',
        config.signatureScheme,
        webhookId as WebhookId,
        context.keyRing,
        context.entropy,
      );
      const webhook = await changed(call, webhookId, () => ({
        type: 'rotate_secret',
        at: clock.now(),
        secret: made.stored,
        overlapMs: (overlapSeconds ?? DEFAULT_ROTATION_OVERLAP_SECONDS) * 1_000,
      }));
      return { webhook, secret: made.plain };
    },

    async testWebhook({ webhookId, eventType }, call) {
      const { webhook, revision } = existing(call, webhookId);
      const tested = eventType === '' ? null : exampleOf(context.known, eventType);
      const delivery = await storing(() => sendTest(context, webhook, revision, tested, call.traceparent));
      return { deliveryId: delivery.id, eventId: delivery.eventId };
    },

    async explain({ type, taskId, jobId, tags, data, webhookId }, call) {
      const tenant = tenantOf(call.principal);
      if (!context.known.has(type)) throw RpcError.invalid([unknownType(type, 'type', context.known)]);
      const asked =
        webhookId === ''
          ? [...directory.idsOf(tenant), ...directory.index.ofJob(tenant, jobId)]
          : [existing(call, webhookId).webhook.id];
      const event = { type, taskId: taskId === '' ? null : taskId, jobId: jobId === '' ? null : jobId, tags };
      const holds = context.conditions.about({ ...event, time: clock.now() }, askedData(data));
      // As the fan-out does: what a condition is told may depend on those before it.
      directory.index.match(tenant, event, holds);
      return {
        explanations: asked.flatMap((id) => {
          const found = directory.ofTenant(tenant, id);
          if (found === null) return [];
          const verdict = judge(found.webhook, event, holds);
          return [{ webhookId: id, verdict: VERDICTS[verdict.kind], reason: describeVerdict(verdict) }];
        }),
      };
    },

    async *watchWebhooks(_request, call) {
      const tenant = tenantOf(call.principal);
      let complete = false;
      const mine = (change: { kind: string; tenant?: TenantId }): boolean =>
        change.kind === 'position' || (change.kind === 'webhook' && change.tenant === tenant);
      for await (const told of changeFeed(directory, mine, call.signal)) {
        if (told.kind === 'webhook') {
          const found = directory.ofTenant(tenant, told.id);
          if (found === null) yield { change: { case: 'deletedWebhookId', value: told.id } };
          else yield { change: { case: 'changed', value: toMessage(found.webhook, found.revision) } };
        } else if (told.kind === 'position' && !complete) {
          complete = true;
          yield { change: { case: 'snapshotDone', value: { revision: BigInt(told.position) } } };
        }
      }
    },

    async listEventTypes() {
      return {
        eventTypes: context.known.shown().map(({ name, category, description, version, example, schema }) => ({
          ...{ name, category, description, version },
          example: JSON.stringify(example),
          schema: schema ?? '',
        })),
      };
    },
  };
}

const belongsTo = (jobId: string, webhook: Webhook | undefined): boolean => webhook?.config.jobId === jobId;

/** The example of a type, to be sent as a test. */
function exampleOf(known: KnownTypes, type: string): TestedType {
  const found = known.exampleOf(type);
  if (found !== null) return { type, data: found.example };
  throw RpcError.invalid([unknownType(type, 'event_type', known)]);
}

/** The data of an event that is only asked about; none is `null`. */
function askedData(data: Uint8Array): string {
  if (data.byteLength === 0) return 'null';
  const parsed = parseJsonBytes(data);
  if (!parsed.ok) throw RpcError.invalid([{ field: 'data', code: 'INVALID_VALUE', message: parsed.error }]);
  return new TextDecoder().decode(data);
}

const VERDICTS: Readonly<Record<Verdict['kind'], Explanation_Verdict>> = {
  matched: Explanation_Verdict.MATCHED,
  filtered_by_type: Explanation_Verdict.FILTERED_BY_TYPE,
  filtered_by_scope: Explanation_Verdict.FILTERED_BY_SCOPE,
  filtered_by_job: Explanation_Verdict.FILTERED_BY_JOB,
  filtered_by_tags: Explanation_Verdict.FILTERED_BY_TAGS,
  filtered_by_condition: Explanation_Verdict.FILTERED_BY_CONDITION,
  inactive: Explanation_Verdict.INACTIVE,
};
