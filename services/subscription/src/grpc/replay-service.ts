import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type ReplaySchema,
  ReplayService,
  Replay_Status as ReplayStatus,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/replay_pb';
import { isReplayId, isWebhookId, type ReplayId, type TenantId } from '@grapnel/domain/ids';
import type { Replay } from '@grapnel/domain/replay/replay';
import { unreachable } from '@grapnel/domain/result';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { pageByIds, pageSizeOf } from '@grapnel/rpc/paging';
import { type Registration, register } from '@grapnel/rpc/server';
import { commandReplay } from '../replays/command-replay.ts';
import { type CreateContext, type CreateRejection, createReplay, MAX_UNDER_WAY } from '../replays/create-replay.ts';
import { contended, storing } from './refusals.ts';

export interface ReplayServiceContext extends CreateContext {
  /** Whether this deployment has told the service where history and dispatchers are. */
  readonly possible: boolean;
  readonly defaultRatePerSecond: number;
}

const PAGE = { default: 100, max: 1_000 };

/** The gRPC edge of bulk replays. */
export function replayService(context: ReplayServiceContext): Registration {
  const { directory, replays, clock } = context;
  const existing = async (tenant: TenantId, id: string): Promise<Replay> => {
    await directory.caughtUp();
    const found = isReplayId(id) ? replays.find(tenant, id) : null;
    if (found === null) throw RpcError.notFound('Replay', id);
    return found.state;
  };

  return register(ReplayService, 'tenant', {
    async createReplay({ webhookId, statuses, from, to, eventTypes, ratePerSecond }, { principal }) {
      if (!context.possible) {
        throw new RpcError(
          Code.FAILED_PRECONDITION,
          'bulk replays are not available: this deployment has not told the subscription service where the delivery history and the dispatchers are',
        );
      }
      if (!isWebhookId(webhookId)) throw RpcError.notFound('Webhook', webhookId);
      const filter = { statuses, from: msOf(from), to: msOf(to), eventTypes };
      const asked = { filter, ratePerSecond: ratePerSecond ?? context.defaultRatePerSecond };
      const made = await storing(() => createReplay(context, tenantOf(principal), webhookId, asked));
      if (!made.ok) throw refusal(made.error, webhookId);
      return toMessage(made.value);
    },

    getReplay: async ({ replayId }, { principal }) => toMessage(await existing(tenantOf(principal), replayId)),

    async listReplays(request, { principal }) {
      const { webhookId } = request;
      const size = pageSizeOf(request, PAGE, isReplayId);
      await directory.caughtUp();
      const newestFirst = replays
        .of(tenantOf(principal))
        .map(({ state }) => state)
        .filter((replay) => webhookId === '' || replay.webhookId === webhookId)
        .toSorted((a, b) => (a.id < b.id ? 1 : -1));
      const { entries, nextPageToken } = pageByIds(request, size, newestFirst, ({ id }) => id);
      return { replays: entries.map(toMessage), nextPageToken };
    },

    async cancelReplay({ replayId }, { principal }) {
      const tenant = tenantOf(principal);
      await existing(tenant, replayId);
      const command = { type: 'cancel', at: clock.now() } as const;
      const done = await storing(() => commandReplay(context, tenant, replayId as ReplayId, command));
      if (!done.ok) throw refusal(done.error, replayId);
      return toMessage(done.value);
    },
  });
}

function refusal(rejection: CreateRejection, id: string): RpcError {
  switch (rejection.kind) {
    case 'not_found':
      return RpcError.notFound('Replay', id);
    case 'webhook_not_found':
      return RpcError.notFound('Webhook', id);
    case 'invalid':
      return RpcError.invalid(rejection.violations);
    case 'webhook_inactive':
      return new RpcError(Code.FAILED_PRECONDITION, 'the webhook is inactive; activate it first');
    case 'under_way':
      return new RpcError(
        Code.FAILED_PRECONDITION,
        `replay ${rejection.id} of this webhook is under way; wait for its end or cancel it`,
      );
    case 'too_many':
      return new RpcError(Code.FAILED_PRECONDITION, `at most ${MAX_UNDER_WAY} replays may be under way`);
    case 'ended':
    case 'taken':
      return new RpcError(Code.FAILED_PRECONDITION, 'the replay has come to its end already');
    case 'contended':
      return contended();
    default:
      return unreachable(rejection);
  }
}

const STATUSES: Readonly<Record<Replay['status']['kind'], ReplayStatus>> = {
  requested: ReplayStatus.REQUESTED,
  running: ReplayStatus.RUNNING,
  finished: ReplayStatus.FINISHED,
  cancelled: ReplayStatus.CANCELLED,
  failed: ReplayStatus.FAILED,
};

function toMessage(replay: Replay): MessageInitShape<typeof ReplaySchema> {
  const { status, filter, counts, position } = replay;
  return {
    id: replay.id,
    webhookId: replay.webhookId,
    status: STATUSES[status.kind],
    detail: status.kind === 'failed' ? status.detail : '',
    statuses: [...filter.statuses],
    ...(filter.from === null ? {} : { from: timestampFromMs(filter.from) }),
    to: timestampFromMs(filter.to),
    eventTypes: [...filter.eventTypes],
    ratePerSecond: replay.ratePerSecond,
    found: BigInt(counts.found),
    queued: BigInt(counts.queued),
    skipped: BigInt(counts.skipped),
    failed: BigInt(counts.failed),
    ...(position === null ? {} : { position: timestampFromMs(position) }),
    createdAt: timestampFromMs(replay.createdAt),
    ...('at' in status ? { endedAt: timestampFromMs(status.at) } : {}),
    round: BigInt(replay.round),
  };
}

const msOf = (at: Timestamp | undefined): number | null => (at === undefined ? null : timestampMs(at));
