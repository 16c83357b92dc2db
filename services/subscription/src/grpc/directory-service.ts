import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DirectoryService, type EndpointSchema } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import type { WebhookId } from '@grapnel/domain/ids';
import { type Account, accountOwner } from '@grapnel/domain/tenancy/account';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import { type Registration, register } from '@grapnel/rpc/server';
import { accountOf } from '../account.ts';
import { changeFeed } from '../change-feed.ts';
import type { Change, Directory } from '../directory.ts';
import { reasonOf } from './mapping.ts';

/** What the other services keep in memory; for services alone. */
export function directoryService(directory: Directory): Registration {
  return register(DirectoryService, 'service', {
    async *watchEndpoints(_request, { signal }) {
      let complete = false;
      /** What this watcher was told last, so that changes of health alone are not sent. */
      const told = new Map<WebhookId, Told>();
      for await (const feed of changeFeed(
        directory,
        (change) => change.kind === 'webhook' || change.kind === 'position' || isAccount(change),
        signal,
      )) {
        if (feed.kind === 'webhook') {
          const { state, revision } = directory.find(feed.id);
          if (state.kind === 'present') {
            const before = told.get(feed.id);
            const account = accountOf(directory, state.webhook.tenant);
            told.set(feed.id, { webhook: state.webhook, account });
            if (before !== undefined && sameEndpoint(before, { webhook: state.webhook, account })) continue;
            yield { change: { case: 'changed', value: endpoint(state.webhook, account, revision) } };
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

const isAccount = (change: Change): boolean => change.kind === 'record' && change.of === 'account';

interface Told {
  readonly webhook: Webhook;
  readonly account: Account | null;
}

/** States share what an event did not touch, so identity is enough. */
const sameEndpoint = ({ webhook: a, account: of }: Told, { webhook: b, account }: Told): boolean =>
  a.config === b.config &&
  a.secrets === b.secrets &&
  a.status === b.status &&
  a.lastAutoDisabledAt === b.lastAutoDisabledAt &&
  (!signedByAccount(b) || of === account);

const signedByAccount = ({ secrets }: Webhook): boolean => secrets.length === 0;

function endpoint(
  webhook: Webhook,
  account: Account | null,
  revision: number,
): MessageInitShape<typeof EndpointSchema> {
  const { config, status } = webhook;
  const byAccount = signedByAccount(webhook);
  const secrets = byAccount ? (account?.secrets ?? []) : webhook.secrets;
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
    retryDelays: [...(config.retryDelaysSeconds ?? [])],
    signed: config.signed,
    ordering: config.ordering,
    rateLimitPerSecond: config.rateLimitPerSecond ?? 0,
    messageTtlSeconds: config.messageTtlSeconds ?? 0,
    secrets: secrets.map(({ sealed, expiresAt }) => ({
      sealed,
      owner: byAccount ? accountOwner(webhook.tenant) : '',
      ...(expiresAt === null ? {} : { expiresAt: timestampFromMs(expiresAt) }),
    })),
    revision: BigInt(revision),
  };
}
