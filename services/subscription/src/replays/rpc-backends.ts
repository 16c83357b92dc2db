import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  DeliveryService,
  ReplayDeliveriesResponse_Result as Result,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { DeliveryId, TenantId } from '@grapnel/domain/ids';
import type { ReplayableStatus } from '@grapnel/domain/replay/replay';
import { TENANT } from '@grapnel/rpc/auth';
import type { Channel } from '@grapnel/rpc/client';
import type { Dispatchers, History, QueueResult } from './ports.ts';

/** Writing a page of entries waits for the store, page after page of 32. */
const REPLAY_TIMEOUT_MS = 60_000;

const STATUSES: Readonly<Record<ReplayableStatus, DeliveryStatus>> = {
  failed: DeliveryStatus.FAILED,
  skipped: DeliveryStatus.SKIPPED,
  delivered: DeliveryStatus.DELIVERED,
  retrying: DeliveryStatus.RETRYING,
};

const RESULTS: ReadonlyMap<Result, QueueResult> = new Map([
  [Result.QUEUED, 'queued'],
  [Result.BODY_EXPIRED, 'body_expired'],
  [Result.WEBHOOK_INACTIVE, 'webhook_inactive'],
]);

const as = (tenant: TenantId) => ({ [TENANT]: tenant });

/** {@link History} by gRPC. */
export function rpcHistory(channel: Channel): History {
  const history = channel.client(QueryService);
  return {
    async page({ tenant, webhookId, filter }, size, token, signal) {
      const { deliveries, nextPageToken } = await history.listDeliveries(
        {
          webhookId,
          statuses: filter.statuses.map((status) => STATUSES[status]),
          eventTypes: [...filter.eventTypes],
          ...(filter.from === null ? {} : { from: timestampFromMs(filter.from) }),
          to: timestampFromMs(filter.to),
          pageSize: size,
          pageToken: token ?? '',
        },
        { metadata: as(tenant), signal },
      );
      return {
        deliveries: deliveries.map(({ id, sequence, round, test, createdAt }) => ({
          id: id as DeliveryId,
          sequence: Number(sequence),
          round: Number(round),
          test,
          createdAt: createdAt === undefined ? 0 : timestampMs(createdAt),
        })),
        next: nextPageToken === '' ? null : nextPageToken,
      };
    },

    async roundOf(tenant, webhookId, deliveryId, signal) {
      const { delivery } = await history.getDelivery({ webhookId, deliveryId }, { metadata: as(tenant), signal });
      return Number(delivery?.round ?? 0);
    },
  };
}

/** {@link Dispatchers} by gRPC; any of them answers for all. */
export function rpcDispatchers(channel: Channel): Dispatchers {
  const dispatchers = channel.client(DeliveryService);
  return {
    async replay({ tenant, webhookId, round }, deliveries, signal) {
      const { results } = await dispatchers.replayDeliveries(
        {
          webhookId,
          round: BigInt(round),
          bulk: true,
          deliveries: deliveries.map(({ id, sequence }) => ({ deliveryId: id, sequence: BigInt(sequence) })),
        },
        { metadata: as(tenant), signal, timeoutMs: REPLAY_TIMEOUT_MS },
      );
      return results.map((result) => RESULTS.get(result) ?? 'not_found');
    },
  };
}
