import type { RetryEntry } from '@grapnel/domain/delivery/retry-entry';
import { laneFor } from '@grapnel/domain/retry';
import type { WaitingFlow } from '@grapnel/domain/trigger/waiting-flow';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import type { Topology } from './topology.ts';

/** What waits in the lanes: a delivery's turn (which has no kind), or a call whose flow is looked at again. */
export type LaneEntry = RetryEntry | WaitingFlow;

const isFlow = (entry: LaneEntry): entry is WaitingFlow => 'kind' in entry;

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
  | `wake:${string}:${number}`
  | `flow:${number}`;

function encodeEntry(subject: string, entry: LaneEntry, cause: Cause): NewMessage {
  const turn = isFlow(entry) ? entry.times : `${entry.turn.round}:${entry.turn.attempt}`;
  return { subject, body: encodeJson(entry), headers: {}, id: `${cause}:${turn}` };
}

/** By stream and position. */
export const causeOf = (message: Message, names: Topology): Cause =>
  message.stream === names.streams.deliveries ? `delivery:${message.sequence}` : `retry:${message.sequence}`;

/** An entry on its way into the lane for the next hop of its wait. */
export function encodeLaneEntry(
  entry: LaneEntry,
  cause: Cause,
  now: number,
  timeScale: number,
  names: Topology,
): NewMessage {
  const lane = laneFor(entry.dueAt - now, timeScale);
  return encodeEntry(names.subjects.lane(lane.name), entry, cause);
}

/** An entry whose time has come. */
export function encodeDueEntry(entry: LaneEntry, cause: Cause, names: Topology): NewMessage {
  const { subjects } = names;
  const subject = isFlow(entry) ? subjects.dueFlow(entry.tenant) : subjects.due(entry.delivery.webhookId);
  return encodeEntry(subject, entry, cause);
}

/** An entry of a bulk replay: due at once, behind a consumer of its own. */
export function encodeBulkEntry(entry: RetryEntry, cause: Cause, names: Topology): NewMessage {
  return encodeEntry(names.subjects.bulk(entry.delivery.webhookId), entry, cause);
}

/** Of a lane. @throws UnreadableMessage */
export function decodeLaneEntry(message: Message): LaneEntry {
  return reading(message, () => JSON.parse(decodeText(message.body)) as LaneEntry);
}

/** Of a delivery that is due. @throws UnreadableMessage */
export const decodeRetryEntry = (message: Message): RetryEntry => decodeLaneEntry(message) as RetryEntry;

/** Of a flow that is due. @throws UnreadableMessage */
export const decodeWaitingFlow = (message: Message): WaitingFlow => decodeLaneEntry(message) as WaitingFlow;
