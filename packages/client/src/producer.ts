import { randomBytes, randomInt } from 'node:crypto';
import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { MAX_DATA_BYTES } from '@grapnel/domain/event/event';
import { newEventId } from '@grapnel/domain/ids';
import { unreachable } from '@grapnel/domain/result';
import { type Channel, openChannel, type RpcClient } from '@grapnel/rpc/client';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { currentTraceparent } from '@grapnel/runtime/tracing';
import { BatchStream } from './batch-stream.ts';
import { Batcher } from './batcher.ts';
import { type ProducerEvent, type Published, type WireEvent, wireEventOf } from './event.ts';
import { type ProducerOptions, type Settings, settingsOf } from './options.ts';
import { PublishError } from './publish-error.ts';
import { Room } from './room.ts';
import { type Verdict, verdictOf, verdictOfError, verdictOfFailure } from './verdict.ts';

interface Pending {
  readonly event: WireEvent;
  readonly bytes: number;
  /** On the monotonic clock: when its retries end. */
  readonly deadline: number;
  tries: number;
  resolve(published: Published): void;
  reject(error: PublishError): void;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/**
 * Publishes events to Grapnel. Events are collected into batches, sent again under the same id while Grapnel is busy or
 * away, and confirmed once they are durably stored.
 *
 * Events that are under way together may be stored in any order: await what must come first, e.g. all of a job's pages
 * before its `crawl.completed`.
 *
 * @example
 * ```ts
 * await using producer = new GrapnelProducer({ address: 'grapnel:8081', apiKey: readApiKey() });
 * for await (const page of crawl(job)) {
 *   await producer.room(); // back-pressure: waits while too much is under way
 *   void producer
 *     .publish({ type: 'crawl.page', jobId: job.id, data: { url: page.url, markdown: page.markdown } })
 *     .catch((error: PublishError) => log.warn(error.reason, error.violations));
 * }
 * await producer.flush();
 * await producer.publish({ type: 'crawl.completed', jobId: job.id, data: { job_id: job.id, status: 'completed' } });
 * ```
 */
export class GrapnelProducer implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #channel: Channel;
  readonly #ingest: RpcClient<typeof IngestService>;
  readonly #stream: BatchStream;
  readonly #room: Room;
  readonly #batcher: Batcher<Pending>;
  readonly #unsettled = new Set<Promise<unknown>>();
  readonly #roomWanted: (() => void)[] = [];
  #closed = false;

  /** Connects with the first event. */
  constructor(options: ProducerOptions, clock: Clock = systemClock) {
    this.#settings = settingsOf(options);
    this.#clock = clock;
    const { address, apiKey, tls, maxOutstandingEvents, maxOutstandingBytes } = this.#settings;
    this.#channel = openChannel({ address, token: apiKey, tls });
    this.#ingest = this.#channel.client(IngestService);
    this.#stream = new BatchStream(this.#ingest, this.#clock, this.#settings.callTimeoutMs);
    this.#room = new Room({ events: maxOutstandingEvents, bytes: maxOutstandingBytes });
    this.#batcher = new Batcher(this.#settings, clock, (batch) => this.#call(batch));
  }

  /**
   * Resolves once the event is stored.
   * @throws PublishError saying why it was not, or that nobody knows
   */
  publish(event: ProducerEvent): Promise<Published> {
    const settled = this.#publish(event);
    this.#unsettled.add(settled);
    const forget = (): void => void this.#unsettled.delete(settled);
    settled.then(forget, forget);
    return settled;
  }

  /** Resolves when another event can be handed in without waiting. */
  async room(): Promise<void> {
    while (!this.#room.free) await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
  }

  /** Resolves when everything handed in so far is stored or has failed. Never rejects. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#unsettled);
  }

  /** Takes no more events, waits for those under way and disconnects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#stream.end();
    this.#channel[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #publish(event: ProducerEvent): Promise<Published> {
    const id = event.id ?? newEventId(this.#clock.now(), (bytes) => randomBytes(bytes));
    if (this.#closed) throw new PublishError('closed', id, 'the producer is closed');
    const wire = encoded(event, id);
    const bytes = wire.data.byteLength;
    if (!this.#room.tryEnter(bytes)) await this.#room.enter(bytes);
    try {
      return await new Promise<Published>((resolve, reject) => {
        const deadline = this.#clock.monotonic() + this.#settings.retryForMs;
        this.#batcher.add({ event: wire, bytes, deadline, tries: 0, resolve, reject });
      });
    } finally {
      this.#room.leave(bytes);
      for (const wake of this.#roomWanted.splice(0)) wake();
    }
  }

  async #call(batch: readonly Pending[]): Promise<void> {
    const verdicts = await this.#verdicts(batch);
    batch.forEach((pending, n) => this.#settle(pending, verdicts[n] as Verdict));
  }

  async #verdicts(batch: readonly Pending[]): Promise<Verdict[]> {
    const answer = await this.#stream.send(batch.map(({ event }) => event));
    switch (answer.kind) {
      case 'results':
        return batch.map((_, n) => verdictOf(answer.results[n]));
      case 'refused':
        return all(batch, verdictOfError(answer.error));
      case 'broken': {
        const verdict = verdictOfFailure(answer.error);
        // What ended the call need not be this batch's fault: it is asked again alone before anybody is told.
        return verdict.kind === 'failed' ? this.#alone(batch) : all(batch, verdict);
      }
      default:
        return unreachable(answer);
    }
  }

  async #alone(batch: readonly Pending[]): Promise<Verdict[]> {
    const events = batch.map(({ event }) => event);
    try {
      const { results } = await this.#ingest.publishBatch({ events }, { timeoutMs: this.#settings.callTimeoutMs });
      return batch.map((_, n) => verdictOf(results[n]));
    } catch (error) {
      return all(batch, verdictOfFailure(error));
    }
  }

  #settle(pending: Pending, verdict: Verdict): void {
    const { id } = pending.event;
    switch (verdict.kind) {
      case 'published':
        return pending.resolve(verdict.published);
      case 'failed':
        return pending.reject(new PublishError(verdict.reason, id, verdict.message, verdict));
      case 'again': {
        const ownMs = Math.min(FIRST_RETRY_MS * 2 ** pending.tries++, LONGEST_RETRY_MS);
        // Producers that were refused together must not come back together.
        const waitMs = Math.max(verdict.afterMs, ownMs) + randomInt(ownMs);
        if (this.#clock.monotonic() + waitMs > pending.deadline) {
          pending.reject(new PublishError('unavailable', id, verdict.message, { cause: verdict.cause }));
        } else {
          // A plain sleep keeps the process alive, as it should while an event is not stored.
          void this.#clock.sleep(waitMs).then(() => this.#batcher.add(pending));
        }
      }
    }
  }
}

const all = (batch: readonly unknown[], verdict: Verdict): Verdict[] => batch.map(() => verdict);

function encoded(event: ProducerEvent, id: string): WireEvent {
  let wire: WireEvent;
  try {
    wire = wireEventOf(event, id, event.traceparent ?? currentTraceparent());
  } catch (cause) {
    const { message } = cause as Error;
    throw invalid(id, message.startsWith('time') ? 'time' : 'data', 'INVALID_VALUE', message, cause);
  }
  const { byteLength } = wire.data;
  if (byteLength <= MAX_DATA_BYTES) return wire;
  throw invalid(id, 'data', 'TOO_LARGE', `data is ${byteLength} bytes; at most ${MAX_DATA_BYTES} (1 MB) are allowed`);
}

function invalid(id: string, field: string, code: string, message: string, cause?: unknown): PublishError {
  return new PublishError('invalid', id, message, { cause, violations: [{ field, message, code }] });
}
