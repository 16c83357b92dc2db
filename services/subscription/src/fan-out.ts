import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { decodeEvent } from '@grapnel/contracts/event-codec';
import { decodeText, type NewMessage, TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { Delivery } from '@grapnel/domain/delivery/delivery';
import type { Event } from '@grapnel/domain/event/event';
import { deliveryIdOf } from '@grapnel/domain/ids';
import { compactJson } from '@grapnel/domain/json';
import { profileOf } from '@grapnel/domain/profiles/registry';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import { counter } from '@grapnel/runtime/instruments';
import type { Logger } from '@grapnel/runtime/logger';
import type { Semaphore } from '@grapnel/runtime/semaphore';
import { formatTraceparent, inSpan, SpanKind } from '@grapnel/runtime/tracing';
import { type EventStreams, type Received, StoreUnavailable } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { trace } from '@opentelemetry/api';
import type { Directory } from './directory.ts';

export interface FanOutContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deliveries that may be made and not yet stored, over all events. */
  readonly slots: Semaphore;
}

/** Events of which this process may be making deliveries at once. */
const MAX_IN_FLIGHT = 512;
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
  const { streams, names } = context;
  return streams.consume(
    { stream: names.streams.events, durable: names.consumers.fanout, maxInFlight: MAX_IN_FLIGHT, signal },
    (message) => fanOut(message, context, signal),
  );
}

async function fanOut(message: Received, context: FanOutContext, signal: AbortSignal): Promise<void> {
  // A webhook whose creation was confirmed before this event was accepted must get it, whichever replica made it.
  try {
    await context.directory.caughtUp();
    const event = decodeEvent(message);
    const made = await deliver(event, message, context, signal);
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
  const ids = directory.index.match(event.tenant, event);
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
    const bodies = new Bodies(event, compactJson(decodeText(message.body)));
    const stored: Promise<void>[] = [];
    for (const id of ids) {
      // Before the delivery is made: an event that thousands want must not be thousands of messages in memory.
      await context.slots.acquire();
      const { state, revision } = directory.find(id);
      if (state.kind !== 'present') {
        context.slots.release();
        continue;
      }
      const delivery = frozenDelivery(event, state.webhook, revision, message.storedAt, bodies);
      stored.push(storeOne(delivery(traceparent, names), context, signal));
    }
    await Promise.all(stored);
  });
  return ids.length;
}

/** Gives the slot back. A delivery that no server takes is said to the log and left out: the others must not wait for it. */
async function storeOne(
  message: NewMessage,
  { streams, clock, logger, slots }: FanOutContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    await publishUntilStored(streams, message, clock, signal);
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || error.retryable) throw error;
    logger.error({ err: error, delivery: message.id, bytes: message.body.byteLength }, 'a delivery cannot be stored');
  } finally {
    slots.release();
  }
}

/** `createdAt` is when the event was stored, so that a repeat makes the very same delivery. */
function frozenDelivery(event: Event, webhook: Webhook, revision: number, createdAt: number, bodies: Bodies) {
  const body = bodies.of(webhook);
  const delivery: Delivery = {
    id: deliveryIdOf(event.tenant, event.id, webhook.id),
    tenant: event.tenant,
    webhookId: webhook.id,
    eventId: event.id,
    eventType: event.type,
    jobId: event.jobId,
    taskId: event.taskId,
    eventTime: event.time,
    createdAt,
    test: false,
    bodyBytes: body.byteLength,
    webhookRevision: revision,
  };
  return (traceparent: string | null, names: Topology): NewMessage =>
    encodeDelivery(delivery, body, traceparent, names);
}

/** The event's body in each profile that is asked for, made once. */
class Bodies {
  readonly #event: Event;
  readonly #data: string;
  readonly #made = new Map<string, Uint8Array>();

  constructor(event: Event, compactData: string) {
    this.#event = event;
    this.#data = compactData;
  }

  of(webhook: Webhook): Uint8Array {
    const { profile } = webhook.config;
    let body = this.#made.get(profile);
    if (body === undefined) {
      body = Buffer.from(profileOf(profile).body(this.#event, this.#data));
      this.#made.set(profile, body);
    }
    return body;
  }
}
