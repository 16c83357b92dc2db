import type { RetryEntry } from '@grapnel/domain/delivery/retry-entry';
import { laneFor } from '@grapnel/domain/retry';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import type { Topology } from './topology.ts';

/**
 * Which message asked for an entry: it asks for one per turn at the most, however often it is handled, so its name and the turn
 * are the entry's id. Without the turn, a message that was sent away, comes again and is tried would find its retry's id
 * taken. Nothing that a clock says may be part of it: two processes, or two tries, would not agree.
 */
export type Cause =
  | `delivery:${number}`
  | `retry:${number}`
  | `replay:${string}`
  | `order:${string}`
  | `wake:${string}:${number}`;

function encodeEntry(subject: string, entry: RetryEntry, cause: Cause): NewMessage {
  const { round, attempt } = entry.turn;
  return { subject, body: encodeJson(entry), headers: {}, id: `${cause}:${round}:${attempt}` };
}

/** By stream and position. */
export const causeOf = (message: Message, names: Topology): Cause =>
  message.stream === names.streams.deliveries ? `delivery:${message.sequence}` : `retry:${message.sequence}`;

/** An entry on its way into the lane for the next hop of its wait. */
export function encodeLaneEntry(
  entry: RetryEntry,
  cause: Cause,
  now: number,
  timeScale: number,
  names: Topology,
): NewMessage {
  const lane = laneFor(entry.dueAt - now, timeScale);
  return encodeEntry(names.subjects.lane(lane.name), entry, cause);
}

/** An entry whose time has come. */
export function encodeDueEntry(entry: RetryEntry, cause: Cause, names: Topology): NewMessage {
  return encodeEntry(names.subjects.due(entry.delivery.webhookId), entry, cause);
}

/** An entry of a bulk replay: due at once, behind a consumer of its own. */
export function encodeBulkEntry(entry: RetryEntry, cause: Cause, names: Topology): NewMessage {
  return encodeEntry(names.subjects.bulk(entry.delivery.webhookId), entry, cause);
}

/** @throws UnreadableMessage */
export function decodeRetryEntry(message: Message): RetryEntry {
  return reading(message, () => JSON.parse(decodeText(message.body)) as RetryEntry);
}
