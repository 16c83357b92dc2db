import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { DeliveryId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import { LRUCache } from 'lru-cache';
import { readUntil } from '../order/read-until.ts';

/** What of a job has not been tried yet, and how far its outcomes have been read. */
interface Awaited {
  readonly untried: Set<DeliveryId>;
  outcomesRead: number;
}

const MAX_JOBS = 1_000;

/**
 * Says when the end of a job may be sent: when every earlier delivery of the job has an outcome (FC-09). Asked of the
 * streams, not of this process's memory, so that it holds across crashes and dispatchers. A webhook of a job has the
 * subjects of one job alone, so that reading them is reading the job.
 */
export class JobOrder {
  readonly #awaited = new LRUCache<DeliveryId, Awaited>({ max: MAX_JOBS });
  readonly #streams: EventStreams;
  readonly #names: Topology;

  readonly #clock: Clock;

  constructor(streams: EventStreams, names: Topology, clock: Clock) {
    this.#streams = streams;
    this.#names = names;
    this.#clock = clock;
  }

  async mayEnd(end: StoredDelivery): Promise<boolean> {
    let awaited = this.#awaited.get(end.id);
    if (awaited === undefined) {
      awaited = { untried: await this.#earlierOf(end), outcomesRead: 0 };
      this.#awaited.set(end.id, awaited);
    }
    if (awaited.untried.size > 0) await this.#readOutcomes(end, awaited);
    if (awaited.untried.size > 0) return false;
    this.#awaited.delete(end.id);
    return true;
  }

  async #earlierOf(end: StoredDelivery): Promise<Set<DeliveryId>> {
    const untried = new Set<DeliveryId>();
    const subject = this.#names.subjects.delivery(end.webhookId);
    const stretch = {
      stream: this.#names.streams.deliveries,
      subject,
      after: 0,
      last: end.sequence,
      headersOnly: true,
    };
    for await (const message of readUntil(this.#streams, this.#clock, stretch)) {
      if (message.sequence >= end.sequence) break;
      const delivery = decodeDelivery(message);
      if (delivery.jobId === end.jobId && !delivery.test) untried.add(delivery.id);
    }
    return untried;
  }

  async #readOutcomes(end: StoredDelivery, awaited: Awaited): Promise<void> {
    const subject = this.#names.subjects.outcome(end.webhookId);
    const { outcomes } = this.#names.streams;
    const last = await this.#streams.lastOn(outcomes, subject);
    if (last === null || last.sequence <= awaited.outcomesRead) return;
    const stretch = { stream: outcomes, subject, after: awaited.outcomesRead, last: last.sequence, headersOnly: false };
    for await (const message of readUntil(this.#streams, this.#clock, stretch)) {
      const outcome = decodeOutcome(message);
      if (outcome.kind !== 'replay_requested') awaited.untried.delete(outcome.delivery.id);
      awaited.outcomesRead = message.sequence;
    }
  }
}
