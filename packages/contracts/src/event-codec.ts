import type { Event } from '@grapnel/domain/event/event';
import { jsonHeader, type Message, type NewMessage, reading, TRACEPARENT } from './message.ts';
import type { Topology } from './topology.ts';

export const EVENT_HEADER = 'Grapnel-Event';

/** EVENTS holds the producer's JSON bytes as given; what Grapnel knows about them is in a header. */
export function encodeEvent(event: Event, data: Uint8Array, traceparent: string | null, names: Topology): NewMessage {
  return {
    subject: names.subjects.event(event.tenant, event.type),
    body: data,
    headers: { [EVENT_HEADER]: jsonHeader(event), ...(traceparent === null ? {} : { [TRACEPARENT]: traceparent }) },
    id: `${event.tenant}:${event.id}`,
  };
}

/** @throws UnreadableMessage */
export function decodeEvent(message: Message): Event {
  return reading(message, () => JSON.parse(message.header(EVENT_HEADER) ?? '') as Event);
}
