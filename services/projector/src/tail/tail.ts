import { UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { EventStreams } from '@grapnel/stream/ports';
import type { DeliveryView } from '../ports.ts';
import { readOutcome } from '../project/read-message.ts';
import { viewAfter } from './view-after.ts';

export interface TailSubscription {
  readonly tenant: TenantId;
  /** `null`: all of the tenant's. */
  readonly webhookId: WebhookId | null;
  /** Position in OUTCOMES to go on after; 0 for what comes from now on. */
  readonly after: number;
}

export interface TailedDelivery {
  readonly cursor: number;
  readonly delivery: DeliveryView;
}

export const MAX_SUBSCRIBERS = 100;

export class TooManySubscribers extends Error {
  constructor() {
    super(`${MAX_SUBSCRIBERS} subscribers follow deliveries already; try again later`);
    this.name = 'TooManySubscribers';
  }
}

/** What happens to deliveries, as it happens: read from OUTCOMES, without the database. */
export class Tail {
  readonly #streams: EventStreams;
  readonly #names: Topology;
  readonly #stop: AbortSignal;
  #subscribers = 0;

  /** `stop` ends every subscription. */
  constructor(streams: EventStreams, names: Topology, stop: AbortSignal) {
    this.#streams = streams;
    this.#names = names;
    this.#stop = stop;
  }

  /** @throws TooManySubscribers */
  async *follow(subscription: TailSubscription, caller: AbortSignal): AsyncIterable<TailedDelivery> {
    if (this.#subscribers >= MAX_SUBSCRIBERS) throw new TooManySubscribers();
    this.#subscribers++;
    try {
      yield* this.#follow(subscription, AbortSignal.any([caller, this.#stop]));
    } finally {
      this.#subscribers--;
    }
  }

  async *#follow({ tenant, webhookId, after }: TailSubscription, signal: AbortSignal): AsyncIterable<TailedDelivery> {
    const { outcomes } = this.#names.streams;
    const { lastSequence } = await this.#streams.state(outcomes);
    const messages = this.#streams.read(outcomes, {
      // A cursor beyond the end is from a stream that is no more.
      after: after === 0 || after > lastSequence ? lastSequence : after,
      ...(webhookId === null ? {} : { subject: this.#names.subjects.outcome(webhookId) }),
      signal,
    });
    const mine = Buffer.from(`"tenant":${JSON.stringify(tenant)}`);
    for await (const message of messages) {
      // Looking for the bytes is far cheaper than parsing what belongs to others; the parsed value decides.
      if (!Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).includes(mine)) continue;
      const outcome = readable(() => readOutcome(message));
      if (outcome?.delivery.tenant !== tenant) continue;
      yield { cursor: message.sequence, delivery: viewAfter(outcome) };
    }
  }
}

/** What cannot be read is reported by the projection. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableMessage) return null;
    throw error;
  }
}
