import type { Event } from '@grapnel/domain/event/event';
import { decodeEvent, EVENT_HEADER } from './event-codec.ts';
import { jsonHeader, type Message, type NewMessage, reading, TRACEPARENT, UnreadableMessage } from './message.ts';
import type { Topology } from './topology.ts';

const SET_ASIDE_HEADER = 'Grapnel-Set-Aside';

/** Why and when an event was set aside. Times are milliseconds since the epoch. */
export interface SetAsideFacts {
  readonly reason: string;
  readonly tries: number;
  readonly at: number;
  /** When EVENTS stored it. */
  readonly storedAt: number;
}

export interface SetAsideEvent {
  readonly facts: SetAsideFacts;
  /** `null` for one that cannot be read. */
  readonly event: Event | null;
}

/** SET_ASIDE holds the event as EVENTS did, under a name of its own that follows from where it was. */
export function encodeSetAside(message: Message, facts: SetAsideFacts, names: Topology): NewMessage {
  const kept = [EVENT_HEADER, TRACEPARENT].flatMap((name) => {
    const value = message.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    subject: names.subjects.setAside(`${message.storedAt}-${message.sequence}`),
    body: message.body,
    headers: { ...Object.fromEntries(kept), [SET_ASIDE_HEADER]: jsonHeader(facts) },
  };
}

/** @throws UnreadableMessage */
export function decodeSetAside(message: Message): SetAsideEvent {
  const facts = reading(message, () => JSON.parse(message.header(SET_ASIDE_HEADER) ?? '') as SetAsideFacts);
  return { facts, event: eventOrNull(message) };
}

function eventOrNull(message: Message): Event | null {
  try {
    return decodeEvent(message);
  } catch (error) {
    if (error instanceof UnreadableMessage) return null;
    throw error;
  }
}
