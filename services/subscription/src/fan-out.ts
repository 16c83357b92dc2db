import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { decodeEvent } from '@grapnel/contracts/event-codec';
import { decodeText, type NewMessage, TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import type { WebhookId } from '@grapnel/domain/ids';
import { compactJson } from '@grapnel/domain/json';
import type { Holds } from '@grapnel/domain/match';
import type { Clock } from '@grapnel/runtime/clock';
import { counter } from '@grapnel/runtime/instruments';
import type { Logger } from '@grapnel/runtime/logger';
import type { Semaphore } from '@grapnel/runtime/semaphore';
import { formatTraceparent, inSpan, SpanKind } from '@grapnel/runtime/tracing';
import { type EventStreams, type Received, StoreUnavailable } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { trace } from '@opentelemetry/api';
import type { WebhookConditions } from './conditions.ts';
import type { Directory } from './directory.ts';
import { Freezer } from './frozen-delivery.ts';
import { endingJob, JobEnds, retireJobWebhooks } from './job-end.ts';
import type { Lookalikes } from './lookalikes.ts';

export interface FanOutContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly conditions: WebhookConditions;
  readonly lookalikes: Lookalikes;
  /** Deliveries that may be made and not yet stored, over all events. */
  readonly slots: Semaphore;
}

/** Events of which this process may be making deliveries at once. */
const MAX_IN_FLIGHT = 512;
/** Until the end of a job that found too many waiting comes again. */
const END_LATER_MS = 1_000;
/** Deliveries that {@link FanOutContext.slots} should allow. */
export const MAX_DELIVERIES = 2_048;

const tracer = trace.getTracer('grapnel');
const eventsCounter = counter('grapnel.fanout.events', { description: 'Events fanned out.' });
const deliveriesCounter = counter('grapnel.fanout.deliveries', { description: 'Deliveries made.' });

/**
 * EVENTS → DELIVERIES: one delivery for every webhook that wants the event, its body frozen. The event is acknowledged
 * after all of them are stored; when it comes again, their ids make the repeat harmless.
 */
export function runFanOut(context: FanOutContext, signal: AbortSignal): Promise<void> {
  const { streams, names, clock } = context;
  const stream = names.streams.events;
  const durable = names.consumers.fanout;
  const jobEnds = new JobEnds(async () => (await streams.lag(stream, durable)).ackFloor, clock);
  return streams.consume({ stream, durable, maxInFlight: MAX_IN_FLIGHT, signal }, (message) =>
    fanOut(message, context, jobEnds, signal),
  );
}

async function fanOut(message: Received, context: FanOutContext, jobEnds: JobEnds, signal: AbortSignal): Promise<void> {
  // A webhook whose creation was confirmed before this event was accepted must get it, whichever replica made it.
  try {
    await context.directory.caughtUp();
    const event = decodeEvent(message);
    const ending = endingJob(event, context.directory);
    let made = 0;
    const work = async (): Promise<void> => {
      made = await deliver(event, message, context, signal);
      if (ending !== null) await retireJobWebhooks(event, ending, context);
    };
    // The job's end must not overtake what was said before it, whichever replica has that in hand (FC-09).
    if (ending === null) await work();
    else if (!(await jobEnds.inOrder(message, event, work, signal))) return message.nak(END_LATER_MS);
    message.ack();
    eventsCounter.add(1, { type: event.type });
    if (made > 0) deliveriesCounter.add(made, { type: event.type });
  } catch (error) {
    if (signal.aborted) {
      message.nak();
    } else if (error instanceof UnreadableMessage) {
      context.logger.error({ err: error }, 'an unreadable event was dropped');
      message.term('unreadable');
    } else {
      throw error;
    }
  }
}

async function deliver(event: Event, message: Received, context: FanOutContext, signal: AbortSignal): Promise<number> {
  const { directory, names } = context;
  const ids = wanting(event, message, context);
  if (ids.length === 0) return 0;
  const parent = message.header(TRACEPARENT) ?? null;
  const span = {
    name: `fan out ${event.type}`,
    kind: SpanKind.CONSUMER,
    parent,
    attributes: {
      'messaging.system': 'nats',
      'messaging.operation.type': 'process',
      'messaging.destination.name': names.streams.events,
      'grapnel.event.id': event.id,
      'grapnel.tenant': event.tenant,
      'grapnel.deliveries': ids.length,
    },
  };
  await inSpan(tracer, span, async (active) => {
    const traceparent = formatTraceparent(active.spanContext()) ?? parent;
    const freezer = new Freezer({
      event,
      data: compactJson(decodeText(message.body)),
      createdAt: message.storedAt,
      lookalike: () => context.lookalikes.has(event),
      test: false,
    });
    const stored: Promise<void>[] = [];
    for (const id of ids) {
      // Before the delivery is made: an event that thousands want must not be thousands of messages in memory.
      await context.slots.acquire();
      const storing = storeOne(() => made(id), context, signal);
      // Heard of below, when all are under way; a stop that comes before that is no unhandled rejection.
      storing.catch(() => {});
      stored.push(storing);
    }
    await Promise.all(stored);

    function made(id: WebhookId): NewMessage | null {
      const { state, revision } = directory.find(id);
      if (state.kind !== 'present') return null;
      const { delivery, body } = freezer.freeze(state.webhook, revision);
      return encodeDelivery(delivery, body, traceparent, names);
    }
  });
  return ids.length;
}

/** Conditions are asked about the data, which is read only when there is one to ask. */
function wanting(event: Event, message: Received, { directory, conditions }: FanOutContext): WebhookId[] {
  let holds: Holds | null = null;
  return directory.index.match(event.tenant, event, (condition) => {
    holds ??= conditions.about(event, decodeText(message.body));
    return holds(condition);
  });
}

/** Gives the slot back. A delivery that no server takes is said to the log and left out: the others must not wait for it. */
async function storeOne(
  make: () => NewMessage | null,
  { streams, clock, logger, slots }: FanOutContext,
  signal: AbortSignal,
): Promise<void> {
  let message: NewMessage | null = null;
  try {
    message = make();
    if (message !== null) await publishUntilStored(streams, message, clock, signal);
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || error.retryable) throw error;
    const { id, body } = message ?? {};
    logger.error({ err: error, delivery: id, bytes: body?.byteLength }, 'a delivery cannot be stored');
  } finally {
    slots.release();
  }
}
