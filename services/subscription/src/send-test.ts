import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import type { Topology } from '@grapnel/contracts/topology';
import { TEST_EVENT_TYPE } from '@grapnel/domain/catalogue';
import type { Delivery } from '@grapnel/domain/delivery/delivery';
import type { Event } from '@grapnel/domain/event/event';
import { type Entropy, newEventId } from '@grapnel/domain/ids';
import type { Json } from '@grapnel/domain/json';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import { Freezer } from './frozen-delivery.ts';

export interface SendTestContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Who the test says it is from. */
  readonly brand: string;
}

/** A type whose example is sent in place of `webhook.test`. */
export interface TestedType {
  readonly type: string;
  readonly data: Json;
}

/**
 * A test goes to one webhook alone, whatever its event types and also while it is inactive, so it is a delivery without
 * an event in EVENTS (AC-10).
 * @throws StoreUnavailable
 */
export async function sendTest(
  { streams, names, clock, entropy, brand }: SendTestContext,
  webhook: Webhook,
  revision: number,
  tested: TestedType | null,
  traceparent: string | null,
): Promise<Delivery> {
  const now = clock.now();
  const event: Event = {
    id: newEventId(now, entropy),
    tenant: webhook.tenant,
    type: tested?.type ?? TEST_EVENT_TYPE,
    jobId: null,
    taskId: null,
    time: now,
    acceptedAt: now,
  };
  const data = tested?.data ?? {
    message: `This is a test webhook from ${brand}`,
    timestamp: new Date(now).toISOString(),
    webhook_id: webhook.id,
  };
  const freezer = new Freezer({
    event,
    data: JSON.stringify(data),
    createdAt: now,
    place: null,
    lookalike: () => false,
    test: true,
  });
  const { delivery, body } = freezer.freeze(webhook, revision);
  await streams.publish(encodeDelivery(delivery, body, traceparent, names));
  return delivery;
}
