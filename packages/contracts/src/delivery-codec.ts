import type { Delivery, StoredDelivery } from '@grapnel/domain/delivery/delivery';
import { jsonHeader, type Message, type NewMessage, reading, TRACEPARENT } from './message.ts';
import type { Topology } from './topology.ts';

const DELIVERY_HEADER = 'Grapnel-Delivery';

/** DELIVERIES holds the frozen body; the facts are in a header, for those who consume headers only. */
export function encodeDelivery(
  delivery: Delivery,
  body: Uint8Array,
  traceparent: string | null,
  names: Topology,
): NewMessage {
  return {
    subject: names.subjects.delivery(delivery.webhookId),
    body,
    headers: {
      [DELIVERY_HEADER]: jsonHeader(delivery),
      ...(traceparent === null ? {} : { [TRACEPARENT]: traceparent }),
    },
    id: delivery.id,
  };
}

/** @throws UnreadableMessage */
export function decodeDelivery(message: Message): StoredDelivery {
  return reading(message, () => {
    const delivery = JSON.parse(message.header(DELIVERY_HEADER) ?? '') as Delivery;
    return { ...delivery, sequence: message.sequence };
  });
}
