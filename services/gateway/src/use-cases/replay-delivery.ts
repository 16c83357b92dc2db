import type { CallOptions } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { Backends } from '../ports.ts';

/** Sends a delivery again: the history knows where its body is, a dispatcher does the rest (AC-13). */
export async function replayDelivery(
  { history, deliveries }: Backends,
  webhookId: string,
  deliveryId: string,
  options: CallOptions,
): Promise<void> {
  const { delivery } = await history.getDelivery({ webhookId, deliveryId }, options);
  if (delivery === undefined) throw new RpcError(Code.INTERNAL, `delivery ${deliveryId} came without its content`);
  await deliveries.replayDelivery({ webhookId: delivery.webhookId, deliveryId, sequence: delivery.sequence }, options);
}
