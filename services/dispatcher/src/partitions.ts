import type { Topology } from '@grapnel/contracts/topology';
import type { WebhookId } from '@grapnel/domain/ids';
import { ownerOf, partitionOf } from '@grapnel/domain/partition';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import { bulkReplay, dueRetry, firstAttempt, type WorkContext } from './work.ts';

/**
 * How much of one partition is taken at once: first attempts and retries apart, so that neither starves the other. Bulk
 * replays have less than an endpoint takes at once by default, so that its live deliveries always find a place.
 */
const MAX_IN_FLIGHT = { first: 256, due: 128, bulk: 8 };

interface Running {
  readonly since: number;
  readonly stop: AbortController;
  readonly finished: Promise<unknown>;
}

/**
 * Works on the partitions that are ours. Which they are follows from who is alive; while two dispatchers disagree for a
 * moment both may work on one, which the shared consumers make safe.
 */
export class Partitions implements AsyncDisposable {
  readonly #streams: EventStreams;
  readonly #names: Topology;
  readonly #context: WorkContext;
  readonly #logger: Logger;
  readonly #running = new Map<number, Running>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(context: WorkContext) {
    this.#streams = context.streams;
    this.#names = context.names;
    this.#context = context;
    this.#logger = context.logger;
  }

  /** Whether a webhook's deliveries are ours to send. */
  owns(webhook: WebhookId): boolean {
    return this.#running.has(partitionOf(webhook, this.#names.partitions));
  }

  /** Since when they are; in the future while they are not. */
  ownedSince(webhook: WebhookId): number {
    return this.#running.get(partitionOf(webhook, this.#names.partitions))?.since ?? Number.POSITIVE_INFINITY;
  }

  get owned(): number {
    return this.#running.size;
  }

  /** Takes over and gives up partitions so that ours are those that fall to `self` among `members`. */
  assign(self: string, members: readonly string[]): void {
    for (let partition = 0; partition < this.#names.partitions; partition++) {
      const mine = ownerOf(String(partition), members) === self;
      if (mine && !this.#running.has(partition)) this.#start(partition);
      if (!mine) this.#stop(partition);
    }
    this.#logger.info({ owned: this.#running.size, dispatchers: members.length }, 'partitions assigned');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const partition of [...this.#running.keys()]) this.#stop(partition);
    await Promise.all(this.#ending);
    await this.#context.inFlight.settled();
  }

  #start(partition: number): void {
    const stop = new AbortController();
    const { signal } = stop;
    const { streams, consumers } = this.#names;
    const first = {
      stream: streams.deliveries,
      durable: consumers.dispatch(partition),
      maxInFlight: MAX_IN_FLIGHT.first,
      signal,
    };
    const due = { stream: streams.retries, durable: consumers.due(partition), maxInFlight: MAX_IN_FLIGHT.due, signal };
    const bulk = {
      stream: streams.retries,
      durable: consumers.bulk(partition),
      maxInFlight: MAX_IN_FLIGHT.bulk,
      signal,
    };
    const finished = Promise.all([
      this.#streams.consume(first, (message) => firstAttempt(message, this.#context, signal)),
      this.#streams.consume(due, (message) => dueRetry(message, this.#context, signal)),
      this.#streams.consume(bulk, (message) => bulkReplay(message, this.#context, signal)),
    ]);
    this.#running.set(partition, { since: this.#context.clock.now(), stop, finished });
  }

  /** Takes no more of it; what is under way is finished. */
  #stop(partition: number): void {
    const running = this.#running.get(partition);
    if (running === undefined) return;
    this.#running.delete(partition);
    running.stop.abort();
    const ending: Promise<unknown> = running.finished.finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
