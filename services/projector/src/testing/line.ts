import { randomBytes } from 'node:crypto';
import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import type { NewMessage } from '@grapnel/contracts/message';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { type Topology, topology } from '@grapnel/contracts/topology';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import type { StreamConfig } from '@grapnel/stream/config';
import { type OpenStreams, openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';

/** The streams of one test, and what other services would write to them. */
export class Line implements AsyncDisposable {
  readonly config: StreamConfig;
  readonly names: Topology;
  readonly open: OpenStreams;

  private constructor(config: StreamConfig, open: OpenStreams) {
    this.config = config;
    this.names = config.names;
    this.open = open;
  }

  static async start(url = natsUrl()): Promise<Line> {
    const config = { servers: [url], user: null, password: null, names: topology(testPrefix(), 4) };
    const open = await openStreams(config, 'test', systemClock, silentLogger);
    await provision(open.connections.publishing, config.names, DEFAULT_PROVISION);
    return new Line(config, open);
  }

  /** In this order, without waiting for each. */
  async publish(messages: readonly NewMessage[]): Promise<void> {
    await Promise.all(messages.map((message) => this.open.streams.publish(message)));
  }

  outcomes(outcomes: readonly Outcome[]): Promise<void> {
    return this.publish(outcomes.map((outcome) => encodeOutcome(outcome, this.names)));
  }

  /** Under an id of its own each, so that the same outcome can be stored twice. */
  outcomesAgain(outcomes: readonly Outcome[]): Promise<void> {
    const again = outcomes.map((o) => ({ ...encodeOutcome(o, this.names), id: randomBytes(8).toString('hex') }));
    return this.publish(again);
  }

  deliveries(deliveries: readonly StoredDelivery[]): Promise<void> {
    return this.publish(deliveries.map((delivery) => encodeDelivery(delivery, Buffer.from('{}'), null, this.names)));
  }

  /** What the subscription service records and purges when a webhook is deleted; `purge: false` leaves out the latter. */
  async deleteWebhook(tenant: TenantId, id: WebhookId, { purge = true } = {}): Promise<void> {
    const recorded = {
      event: { type: 'deleted', at: 1 },
      state: { kind: 'deleted', id, tenant, at: 1_700_000_000_000 },
    };
    await this.publish([
      {
        subject: this.names.subjects.aggregate(tenant, 'webhook', id),
        body: Buffer.from(JSON.stringify(recorded)),
        headers: {},
      },
    ]);
    if (!purge) return;
    const { streams } = this.open;
    await streams.purge(this.names.streams.outcomes, this.names.subjects.outcome(id));
    await streams.purge(this.names.streams.deliveries, this.names.subjects.delivery(id));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.open[Symbol.asyncDispose]());
  }
}
