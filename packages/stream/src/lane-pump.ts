import { UnreadableMessage } from '@grapnel/contracts/message';
import { causeOf, decodeLaneEntry, encodeDueEntry, encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { Lane } from '@grapnel/domain/retry';
import { LANES, leavesLaneAt } from '@grapnel/domain/retry';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams, Received } from './ports.ts';
import { LANE_WINDOW } from './provision.ts';
import { publishUntilStored } from './until-stored.ts';

export interface LanePumpOptions {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeScale: number;
  /** Of the lanes' consumers: how soon another process takes over what a crashed one held. */
  readonly ackWaitMs: number;
  readonly signal: AbortSignal;
}

/** Messages are kept in such steps: longer ones make bursts that live deliveries notice when all lanes are full. */
const TOGETHER_MS = 100;
const SHORTEST_MS = Math.min(...LANES.map((lane) => lane.delayMs));

/**
 * Lets out what waits in the lanes. Every message of a lane waits equally long but for half a second, so the order of the stream is
 * the order in which they are due, and a bounded window is enough however many are behind it. Whatever still has to wait then
 * goes to the next lane. Published before acknowledged: a crash between the two lets an entry out twice, and its id catches that.
 */
export async function runLanePumps(options: LanePumpOptions): Promise<void> {
  await Promise.all(LANES.map((lane) => runPump(lane, options)));
}

function runPump(lane: Lane, options: LanePumpOptions): Promise<void> {
  const { streams, names, signal } = options;
  return streams.consume(
    { stream: names.streams.retries, durable: names.consumers.lane(lane.name), maxInFlight: LANE_WINDOW, signal },
    (message) => letOut(message, lane, options),
  );
}

async function letOut(message: Received, lane: Lane, options: LanePumpOptions): Promise<void> {
  const { streams, names, clock, logger, timeScale, signal } = options;
  try {
    const entry = decodeLaneEntry(message);
    await hold(message, leavesLaneAt(lane, message.storedAt, entry.dueAt, timeScale), options);
    const again = entry.dueAt - clock.now() >= SHORTEST_MS / timeScale;
    // What is left below the shortest lane is waited out here: it is at most that long.
    if (!again) await hold(message, entry.dueAt, options);
    const cause = causeOf(message, names);
    const next = again
      ? encodeLaneEntry(entry, cause, clock.now(), timeScale, names)
      : encodeDueEntry(entry, cause, names);
    await publishUntilStored(streams, next, clock, signal);
    message.ack();
  } catch (error) {
    if (signal.aborted) {
      message.nak();
    } else if (error instanceof UnreadableMessage) {
      logger.error({ err: error }, 'an unreadable retry was dropped');
      message.term('unreadable');
    } else {
      throw error;
    }
  }
}

/**
 * In a third of the acknowledgement's time at the latest, and with others: what is kept at one moment shares its writes, where
 * each of thousands by itself would wake this process and the server.
 */
function keptWithinMs(now: number, ackWaitMs: number): number {
  const together = Math.min(TOGETHER_MS, ackWaitMs / 6);
  return Math.floor((now + ackWaitMs / 3) / together) * together - now;
}

/** Keeps the message ours until its time. */
async function hold(message: Received, until: number, { clock, signal, ackWaitMs }: LanePumpOptions): Promise<void> {
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    await clock.sleep(Math.min(left, keptWithinMs(clock.now(), ackWaitMs)), signal);
    if (until > clock.now()) message.working();
  }
}
