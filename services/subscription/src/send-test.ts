import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import type { Topology } from '@grapnel/contracts/topology';
import { TEST_EVENT_TYPE } from '@grapnel/domain/catalogue';
import type { Delivery } from '@grapnel/domain/delivery/delivery';
import type { Event } from '@grapnel/domain/event/event';
import { deliveryIdOf, type Entropy, newEventId } from '@grapnel/domain/ids';
import { profileOf } from '@grapnel/domain/profiles/registry';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';

export interface SendTestContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Who the test says it is from. */
  readonly brand: string;
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
  traceparent: string | null,
): Promise<Delivery> {
  const now = clock.now();
  const event: Event = {
    id: newEventId(now, entropy),
    tenant: webhook.tenant,
    type: TEST_EVENT_TYPE,
    jobId: null,
    taskId: null,
    time: now,
    acceptedAt: now,
  };
  const data = {
    message: `This is a test webhook from ${brand}`,
    timestamp: new Date(now).toISOString(),
    webhook_id: webhook.id,
  };
  const body = Buffer.from(profileOf(webhook.config.profile).body(event, JSON.stringify(data)));
  const delivery: Delivery = {
    id: deliveryIdOf(webhook.tenant, event.id, webhook.id),
    tenant: webhook.tenant,
    webhookId: webhook.id,
    eventId: event.id,
    eventType: event.type,
    jobId: null,
    taskId: null,
    eventTime: now,
    createdAt: now,
    test: true,
    bodyBytes: body.byteLength,
    webhookRevision: revision,
  };
  await streams.publish(encodeDelivery(delivery, body, traceparent, names));
  return delivery;
}
