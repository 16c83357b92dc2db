import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { DeliveryId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import { LRUCache } from 'lru-cache';

/** What of a job has not been tried yet, and how far its outcomes have been read. */
interface Awaited {
  readonly untried: Set<DeliveryId>;
  outcomesRead: number;
}

const MAX_JOBS = 1_000;
/** A read to which nothing comes for so long has lost its end: the webhook was deleted meanwhile, or the streams are away. */
const SILENCE_MS = 15_000;

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
    const { deliveries } = this.#names.streams;
    for await (const message of this.#until(deliveries, subject, 0, end.sequence)) {
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
    for await (const message of this.#until(outcomes, subject, awaited.outcomesRead, last.sequence)) {
      const outcome = decodeOutcome(message);
      if (outcome.kind !== 'replay_requested') awaited.untried.delete(outcome.delivery.id);
      awaited.outcomesRead = message.sequence;
    }
  }

  /**
   * The subject's messages after one position and up to another, which must be there.
   * @throws when it is not
   */
  async *#until(stream: string, subject: string, after: number, last: number) {
    const stop = new AbortController();
    const giveUp = () => this.#clock.after(SILENCE_MS, () => stop.abort());
    let silence = giveUp();
    try {
      const messages = this.#streams.read(stream, {
        after,
        subject,
        headersOnly: stream === this.#names.streams.deliveries,
        signal: stop.signal,
      });
      for await (const message of messages) {
        silence.cancel();
        yield message;
        if (message.sequence >= last) return;
        silence = giveUp();
      }
      throw new Error(`nothing of ${subject} was read for too long before position ${last}`);
    } finally {
      silence.cancel();
      stop.abort();
    }
  }
}
