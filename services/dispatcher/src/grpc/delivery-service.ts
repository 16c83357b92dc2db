import { DeliveryService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { unreachable } from '@grapnel/domain/result';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import { StoreUnavailable } from '@grapnel/stream/ports';
import { type ReplayContext, type ReplayRefusal, replayDelivery } from '../replay-delivery.ts';

/** Commands on deliveries, for services alone. */
export function deliveryService(context: ReplayContext): Registration {
  return register(DeliveryService, 'service', {
    async replayDelivery({ webhookId, deliveryId, sequence }, { principal }) {
      const tenant = tenantOf(principal);
      try {
        const done = await replayDelivery(context, { tenant, webhookId, deliveryId, sequence: Number(sequence) });
        if (!done.ok) throw refusal(done.error, deliveryId);
        return { deliveryId, round: BigInt(done.value.round) };
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        throw RpcError.unavailable('the event store did not confirm; try again', 1_000, { cause: error });
      }
    },
  });
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
