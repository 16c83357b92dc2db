import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DirectoryService, type EndpointSchema } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import { type Registration, register } from '@grapnel/rpc/server';
import { changeFeed } from '../change-feed.ts';
import type { Directory } from '../directory.ts';
import { reasonOf } from './mapping.ts';

/** What the other services keep in memory; for services alone. */
export function directoryService(directory: Directory): Registration {
  return register(DirectoryService, 'service', {
    async *watchEndpoints(_request, { signal }) {
      let complete = false;
      /** What this watcher was told last, so that changes of health alone are not sent. */
      const told = new Map<WebhookId, Webhook>();
      for await (const feed of changeFeed(directory, ({ kind }) => kind === 'webhook' || kind === 'position', signal)) {
        if (feed.kind === 'webhook') {
          const { state, revision } = directory.find(feed.id);
          if (state.kind === 'present') {
            const before = told.get(feed.id);
            told.set(feed.id, state.webhook);
            if (before !== undefined && sameEndpoint(before, state.webhook)) continue;
            yield { change: { case: 'changed', value: endpoint(state.webhook, revision) } };
          } else if (state.kind === 'deleted') {
            told.delete(feed.id);
            yield { change: { case: 'deleted', value: { webhookId: feed.id, revision: BigInt(revision) } } };
          }
        } else if (feed.kind === 'position') {
          const revision = BigInt(feed.position);
          yield complete
            ? { change: { case: 'revision', value: revision } }
            : { change: { case: 'snapshotDone', value: { revision } } };
          complete = true;
        }
      }
    },

    async *watchApiKeys(_request, { signal }) {
      let complete = false;
      for await (const feed of changeFeed(directory, ({ kind }) => kind === 'key' || kind === 'position', signal)) {
        if (feed.kind === 'key') {
          const key = directory.keyByHash(feed.hash)?.key;
          if (key === undefined) continue;
          const { tenant, revokedAt } = key;
          yield {
            change: {
              case: 'changed',
              value: { keyHash: Buffer.from(feed.hash, 'hex'), tenant, active: revokedAt === null },
            },
          };
        } else if (feed.kind === 'position' && !complete) {
          complete = true;
          yield { change: { case: 'snapshotDone', value: { revision: BigInt(feed.position) } } };
        }
      }
    },
  });
}

/** States share what an event did not touch, so identity is enough. */
const sameEndpoint = (a: Webhook, b: Webhook): boolean =>
  a.config === b.config &&
  a.secrets === b.secrets &&
  a.status === b.status &&
  a.lastAutoDisabledAt === b.lastAutoDisabledAt;

function endpoint(webhook: Webhook, revision: number): MessageInitShape<typeof EndpointSchema> {
  const { config, status } = webhook;
  return {
    webhookId: webhook.id,
    tenant: webhook.tenant,
    profile: config.profile,
    url: config.url,
    active: status.kind === 'active',
    ...(status.kind === 'active' ? {} : { inactiveReason: reasonOf(status.reason) }),
    ...(webhook.lastAutoDisabledAt === null ? {} : { lastAutoDisabledAt: timestampFromMs(webhook.lastAutoDisabledAt) }),
    timeoutSeconds: config.timeoutSeconds,
    maxRetries: config.maxRetries,
    retryBackoffMultiplier: config.backoffMultiplier,
    customHeaders: { ...config.customHeaders },
    secrets: webhook.secrets.map(({ sealed, expiresAt }) => ({
      sealed,
      ...(expiresAt === null ? {} : { expiresAt: timestampFromMs(expiresAt) }),
    })),
    revision: BigInt(revision),
  };
}
