import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { decodeText, type Message, type NewMessage, TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import type { WebhookId } from '@grapnel/domain/ids';
import { compactJson } from '@grapnel/domain/json';
import type { Holds } from '@grapnel/domain/match';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { Semaphore } from '@grapnel/runtime/semaphore';
import { formatTraceparent, inSpan, SpanKind } from '@grapnel/runtime/tracing';
import { type EventStreams, StoreUnavailable } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { trace } from '@opentelemetry/api';
import type { WebhookConditions } from './conditions.ts';
import type { Directory } from './directory.ts';
import { Freezer } from './frozen-delivery.ts';
import type { Lookalikes } from './lookalikes.ts';

export interface DeliverContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly conditions: Pick<WebhookConditions, 'about'>;
  readonly lookalikes: Lookalikes;
  /** Deliveries that may be made and not yet stored, over all events. */
  readonly slots: Semaphore;
}

/** Deliveries that {@link DeliverContext.slots} should allow. */
export const MAX_DELIVERIES = 2_048;

/** A bug met this event: it will fail again, until the software is another. */
export class CannotFanOut extends Error {}

const tracer = trace.getTracer('grapnel');

/** An event as some stream holds it. */
export type EventMessage = Pick<Message, 'body' | 'storedAt' | 'header'> & {
  /** In EVENTS, which strict order goes by; `null`: it comes too late to have a place in it. */
  readonly sequence: number | null;
};

/**
 * Makes and stores a delivery for every webhook that wants the event; how many. Doing it again makes nothing twice.
 * @throws CannotFanOut
 */
export async function deliver(
  event: Event,
  message: EventMessage,
  context: DeliverContext,
  signal: AbortSignal,
): Promise<number> {
  const { directory, names } = context;
  const ids = computed(() => wanting(event, message, context));
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
    const freezer = computed(
      () =>
        new Freezer({
          event,
          data: compactJson(decodeText(message.body)),
          createdAt: message.storedAt,
          place: message.sequence,
          lookalike: () => context.lookalikes.has(event),
          test: false,
        }),
    );
    const stored: Promise<void>[] = [];
    for (const id of ids) {
      // Before the delivery is made: an event that thousands want must not be thousands of messages in memory.
      await context.slots.acquire();
      const storing = storeOne(() => computed(() => made(id)), context, signal);
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
function wanting(event: Event, message: EventMessage, { directory, conditions }: DeliverContext): WebhookId[] {
  let holds: Holds | null = null;
  return directory.index.match(event.tenant, event, (condition) => {
    holds ??= conditions.about(event, decodeText(message.body));
    return holds(condition);
  });
}

/** Gives the slot back. A delivery that no server takes is said to the log and left out: the others must not wait for it. */
async function storeOne(
  make: () => NewMessage | null,
  { streams, clock, logger, slots }: DeliverContext,
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

/** Runs what depends on the event and on us alone: what it throws is a bug, not an outage. @throws CannotFanOut */
export function computed<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UnreadableMessage) throw cause;
    throw new CannotFanOut(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
