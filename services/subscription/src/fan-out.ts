import { decodeEvent } from '@grapnel/contracts/event-codec';
import { UnreadableMessage } from '@grapnel/contracts/message';
import { counter } from '@grapnel/runtime/instruments';
import type { Received } from '@grapnel/stream/ports';
import { CannotFanOut, computed, type DeliverContext, deliver } from './deliver-event.ts';
import { endingJob, JobEnds, retireJobWebhooks } from './job-end.ts';
import { Recency } from './recency.ts';
import type { SetAside } from './set-aside.ts';

export interface FanOutContext extends DeliverContext {
  readonly setAside: SetAside;
}

interface FanningOut extends FanOutContext {
  readonly jobEnds: JobEnds;
  readonly recency: Recency;
}

/** Events of which this process may be making deliveries at once. */
const MAX_IN_FLIGHT = 512;
/** Until the end of a job that found too many waiting comes again. */
const END_LATER_MS = 1_000;

const eventsCounter = counter('grapnel.fanout.events', { description: 'Events fanned out.' });
const deliveriesCounter = counter('grapnel.fanout.deliveries', { description: 'Deliveries made.' });

/**
 * EVENTS → DELIVERIES: one delivery for every webhook that wants the event, its body frozen. The event is acknowledged
 * after all of them are stored; when it comes again, their ids make the repeat harmless. One that a bug meets again and
 * again is set aside, so that it does not hold back the ends of all jobs.
 */
export function runFanOut(context: FanOutContext, signal: AbortSignal): Promise<void> {
  const { streams, names, clock, directory } = context;
  const stream = names.streams.events;
  const durable = names.consumers.fanout;
  const jobEnds = new JobEnds(async () => (await streams.lag(stream, durable)).ackFloor, clock);
  const fanningOut = { ...context, jobEnds, recency: new Recency(clock, () => directory.caughtUp()) };
  return streams.consume({ stream, durable, maxInFlight: MAX_IN_FLIGHT, signal }, (message) =>
    fanOut(message, fanningOut, signal),
  );
}

async function fanOut(message: Received, context: FanningOut, signal: AbortSignal): Promise<void> {
  const { setAside, jobEnds, recency } = context;
  // A webhook whose creation was confirmed before this event was accepted must get it, whichever replica made it.
  try {
    const behind = recency.wait();
    if (behind !== null) await behind;
    const event = decodeEvent(message);
    const ending = computed(() => endingJob(event, context.directory));
    let made = 0;
    const work = async (): Promise<void> => {
      made = await deliver(event, message, context, signal);
      if (ending !== null) await retireJobWebhooks(event, ending, context);
    };
    // The job's end must not overtake what was said before it, whichever replica has that in hand (FC-09).
    if (ending === null) await work();
    else if (!(await jobEnds.inOrder(message, event, work, signal))) return message.nak(END_LATER_MS);
    message.ack();
    setAside.succeeded(message);
    eventsCounter.add(1, { type: event.type });
    if (made > 0) deliveriesCounter.add(made, { type: event.type });
  } catch (error) {
    if (signal.aborted) {
      message.nak();
    } else if (error instanceof UnreadableMessage || error instanceof CannotFanOut) {
      await setAside.failed(message, error, signal);
    } else {
      throw error;
    }
  }
}
