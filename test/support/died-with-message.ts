import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Ground } from './ground.ts';

/** The part of a dispatcher that died: takes the next message of DELIVERIES, and says nothing of it. */
export async function diedWithMessage({ names, open: { streams } }: Ground): Promise<StoredDelivery> {
  const stop = new AbortController();
  const { promise: taken, resolve } = Promise.withResolvers<StoredDelivery>();
  const taking = Array.from({ length: names.partitions }, (_, p) =>
    streams.consume(
      { stream: names.streams.deliveries, durable: names.consumers.dispatch(p), maxInFlight: 1, signal: stop.signal },
      async (message) => resolve(decodeDelivery(message)),
    ),
  );
  const delivery = await taken;
  stop.abort();
  await Promise.all(taking);
  return delivery;
}
