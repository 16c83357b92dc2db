import {
  DeliveryService,
  ReplayDeliveriesResponse_Result as Result,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { unreachable } from '@grapnel/domain/result';
import { violation } from '@grapnel/domain/violation';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import { StoreUnavailable } from '@grapnel/stream/ports';
import { MAX_TOGETHER, replayDeliveries } from '../replay-deliveries.ts';
import { type ReplayContext, type ReplayRefusal, replayDelivery } from '../replay-delivery.ts';
import { type EndpointStateContext, endpointState } from './endpoint-state.ts';

/** Commands on deliveries, for services alone. */
export function deliveryService(context: ReplayContext & EndpointStateContext): Registration {
  return register(DeliveryService, 'service', {
    async replayDelivery({ webhookId, deliveryId, sequence }, { principal }) {
      const tenant = tenantOf(principal);
      const request = { tenant, webhookId, deliveryId, sequence: Number(sequence) };
      const done = await storing(() => replayDelivery(context, request));
      if (!done.ok) throw refusal(done.error, deliveryId);
      return { deliveryId, round: BigInt(done.value.round) };
    },

    async replayDeliveries({ webhookId, round, bulk, deliveries }, { principal }) {
      const wrong = [];
      if (deliveries.length > MAX_TOGETHER) {
        wrong.push(violation('deliveries', 'TOO_LONG', `may have at most ${MAX_TOGETHER} entries`));
      }
      if (round === 0n || round > BigInt(Number.MAX_SAFE_INTEGER)) {
        wrong.push(violation('round', 'INVALID_VALUE', 'must be milliseconds since the epoch'));
      }
      if (wrong.length > 0) throw RpcError.invalid(wrong);
      const request = {
        tenant: tenantOf(principal),
        webhookId,
        round: Number(round),
        bulk,
        deliveries: deliveries.map(({ deliveryId, sequence }) => ({ deliveryId, sequence: Number(sequence) })),
      };
      const results = await storing(() => replayDeliveries(context, request));
      return { results: results.map((result) => RESULTS[result]) };
    },

    async getEndpoint({ webhookId }, { principal }) {
      const state = endpointState(context, tenantOf(principal), webhookId);
      if (state === null) throw RpcError.notFound('Webhook', webhookId);
      return state;
    },
  });
}

const RESULTS: Readonly<Record<'queued' | ReplayRefusal, Result>> = {
  queued: Result.QUEUED,
  not_found: Result.NOT_FOUND,
  body_expired: Result.BODY_EXPIRED,
  webhook_inactive: Result.WEBHOOK_INACTIVE,
};

async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    throw RpcError.unavailable('the event store did not confirm; try again', 1_000, { cause: error });
  }
}

function refusal(why: ReplayRefusal, deliveryId: string): RpcError {
  switch (why) {
    case 'not_found':
      return RpcError.notFound('Delivery', deliveryId);
    case 'body_expired':
      return new RpcError(Code.FAILED_PRECONDITION, 'the payload is no longer kept, so it cannot be replayed');
    case 'webhook_inactive':
      return new RpcError(Code.FAILED_PRECONDITION, 'the webhook is inactive; activate it first');
    default:
      return unreachable(why);
  }
}
