import type { NewMessage } from '@grapnel/contracts/message';
import type { Clock } from '@grapnel/runtime/clock';
import { LinkedList } from '@grapnel/runtime/linked-list';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { Batches } from './batches.ts';
import { Coalesced } from './coalesced.ts';
import { Outstanding } from './outstanding.ts';
import { type Stored, StoreUnavailable } from './ports.ts';
import { type BatchPlace, headersOf, readAnswer, readBatchAnswer } from './publish-format.ts';
import { takesBatches } from './server-features.ts';

export interface PublisherOptions {
  /** Publishes that may wait for their acknowledgement; the connection's buffer has no bound of its own. */
  readonly maxOutstanding: number;
  /** Their bodies: what timed out cannot be taken back from the connection's buffer, so it must not be filled faster than it empties. */
  readonly maxOutstandingBytes: number;
  readonly timeoutMs: number;
  /**
   * How long a message waits for others to share a write with, at the least: 0 where somebody waits for the answer. With
   * many outstanding it waits a little in any case, since more will come at once.
   */
  readonly waitMs: number;
  /** The stream of a subject whose messages are to go in atomic batches, where the server knows these; `null`: one by one. */
  readonly batched: (subject: string) => string | null;
}

const DEFAULTS: PublisherOptions = {
  maxOutstanding: 1_024,
  maxOutstandingBytes: 16 * 1_048_576,
  timeoutMs: 5_000,
  waitMs: 0,
  batched: () => null,
};
const SWEEP_MS = 250;
/** The more are outstanding, the sooner there are others to share a write with, and the less one gains by leaving at once. */
const SOME = { outstanding: 8, waitMs: 1 };
const MANY = { outstanding: 48, waitMs: 2 };

function waitAmong(outstanding: number): number {
  if (outstanding > MANY.outstanding) return MANY.waitMs;
  return outstanding > SOME.outstanding ? SOME.waitMs : 0;
}

/**
 * Publishes to JetStream over one wildcard inbox: a number per message instead of a subscription and a timer each,
 * which is four times as fast as the client's own `publish`. Time-outs, missing streams and lost connections end in
 * {@link StoreUnavailable}.
 */
export class Publisher {
  readonly #connection: NatsConnection;
  readonly #clock: Clock;
  readonly #options: PublisherOptions;
  readonly #inbox: string;
  readonly #coalesced: Coalesced;
  /** In the order of publishing, which is that of their deadlines. */
  readonly #outstanding = new LinkedList<Outstanding>();
  readonly #slots: (Outstanding | null)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #waiting: (() => void)[] = [];
  /** By stream. */
  readonly #batches = new Map<string, Batches>();
  #next = 0;
  #bytes = 0;
  #connected = true;
  #serverTakesBatches: boolean;
  #sweeping = false;

  constructor(connection: NatsConnection, clock: Clock, options: Partial<PublisherOptions> = {}) {
    this.#connection = connection;
    this.#serverTakesBatches = takesBatches(connection);
    this.#clock = clock;
    this.#options = { ...DEFAULTS, ...options };
    this.#coalesced = new Coalesced(clock, () => Math.max(this.#options.waitMs, waitAmong(this.#outstanding.size)));
    this.#inbox = `${createInbox()}.`;
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#settle(message);
      },
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** A disconnect discards what was not yet sent and the answers on their way: nobody knows what was stored. */
  connectionLost(): void {
    this.#connected = false;
    this.#batches.clear();
    for (const each of this.#outstanding) {
      this.#take(each);
      each.reject(new StoreUnavailable('the connection to the event store was lost before it confirmed'));
    }
    this.#wake(this.#waiting.length);
  }

  connectionBack(): void {
    this.#connected = true;
    // Perhaps to another server.
    this.#serverTakesBatches = takesBatches(this.#connection);
  }

  publish(message: NewMessage): Promise<Stored> {
    return this.#full(message.body.byteLength) ? this.#publishLater(message) : this.#publishNow(message);
  }

  async #publishLater(message: NewMessage): Promise<Stored> {
    do {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } while (this.#full(message.body.byteLength));
    return this.#publishNow(message);
  }

  #publishNow(message: NewMessage): Promise<Stored> {
    if (!this.#connected) return Promise.reject(new StoreUnavailable('the event store is out of reach'));
    this.#bytes += message.body.byteLength;
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.monotonic() + this.#options.timeoutMs;
      const place = { slot: this.#freeSlots.pop() ?? this.#slots.length, number: this.#next++ };
      const outstanding = new Outstanding(message, deadline, place, { resolve, reject });
      this.#slots[place.slot] = outstanding;
      this.#outstanding.add(outstanding);
      this.#startSweep();
      this.#coalesced.add(() => this.#send(outstanding));
    });
  }

  #send(outstanding: Outstanding): void {
    // The connection was lost, or the time was up, before it was sent.
    if (outstanding.isOver) return;
    const batches = this.#batchesFor(outstanding.message);
    if (batches === null) this.#write(outstanding, null);
    else batches.add(outstanding);
  }

  #batchesFor({ subject, id, expectedLastSequence }: NewMessage): Batches | null {
    // Who expects to be next on a subject is refused alone, not with others; and a batch that is refused is sent again, which
    // without an id might store twice what an older server has stored of it.
    const goesAlone = id === undefined || expectedLastSequence !== undefined;
    const stream = goesAlone ? null : this.#options.batched(subject);
    if (stream === null || !this.#serverTakesBatches) return null;
    let batches = this.#batches.get(stream);
    if (batches === undefined) {
      batches = new Batches((outstanding, place) => this.#write(outstanding, place));
      this.#batches.set(stream, batches);
    }
    return batches;
  }

  #write(outstanding: Outstanding, place: BatchPlace | null): void {
    const { message, token } = outstanding;
    try {
      const headers = headersOf(message, place);
      // In a batch the last one is answered for all.
      const reply = place === null || place.commits ? { reply: this.#inbox + token } : {};
      this.#connection.publish(message.subject, message.body, { ...reply, headers });
    } catch (cause) {
      const { batch } = outstanding;
      outstanding.batch = null;
      this.#take(outstanding);
      // Larger than the server takes: no other try can help. Or the connection is closed, and this process about to end.
      const { message: why } = cause as Error;
      outstanding.reject(new StoreUnavailable(why, { cause, retryable: !why.includes('max_payload') }));
      // The batch that it was to end never will: the server forgets it.
      for (const each of batch ?? []) if (!each.isOver) this.#write(each, null);
      this.#ended(outstanding);
    }
  }

  /** One message always has room, however large. */
  #full(bytes: number): boolean {
    const { maxOutstanding, maxOutstandingBytes } = this.#options;
    const { size } = this.#outstanding;
    return size >= maxOutstanding || (size > 0 && this.#bytes + bytes > maxOutstandingBytes);
  }

  /** Takes one out; those who wait look whether there is room now. */
  #take(outstanding: Outstanding): void {
    outstanding.isOver = true;
    this.#outstanding.remove(outstanding);
    this.#slots[outstanding.slot] = null;
    this.#freeSlots.push(outstanding.slot);
    this.#bytes -= outstanding.message.body.byteLength;
    this.#wake(1);
  }

  #settle(answer: Msg): void {
    const token = answer.subject.slice(this.#inbox.length);
    const outstanding = this.#slots[Number.parseInt(token, 10)];
    // One whose time was up meanwhile, or whose place another has taken.
    if (outstanding?.token !== token) return;
    if (outstanding.batch === null) this.#answered(outstanding, readAnswer(answer, outstanding.message));
    else this.#batchAnswered(outstanding, outstanding.batch, answer);
    this.#ended(outstanding);
  }

  #answered(outstanding: Outstanding, outcome: Stored | Error): void {
    this.#take(outstanding);
    if (outcome instanceof Error) outstanding.reject(outcome);
    else outstanding.resolve(outcome);
  }

  #batchAnswered(last: Outstanding, batch: readonly Outstanding[], answer: Msg): void {
    last.batch = null;
    const outcome = readBatchAnswer(answer, batch.length);
    for (const [i, each] of batch.entries()) {
      if (each.isOver) continue;
      // One by one each hears for itself whether it was there already.
      if (outcome.kind === 'refused') this.#write(each, null);
      else if (outcome.kind === 'unknown') this.#answered(each, outcome.error);
      else this.#answered(each, { sequence: outcome.first + i, duplicate: false });
    }
  }

  #ended(outstanding: Outstanding): void {
    if (this.#batches.size === 0) return;
    for (const batches of this.#batches.values()) batches.ended(outstanding);
  }

  #wake(count: number): void {
    for (const resume of this.#waiting.splice(0, count)) resume();
  }

  /** One coarse timer for all. */
  #startSweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      const now = this.#clock.monotonic();
      const late: Outstanding[] = [];
      for (const each of this.#outstanding) {
        if (each.deadline > now) break;
        this.#take(each);
        each.reject(new StoreUnavailable('the event store did not confirm in time'));
        late.push(each);
      }
      // Once all are out: what ended lets others go, and must not send what is late as well.
      for (const each of late) this.#ended(each);
      if (this.#outstanding.size > 0) this.#startSweep();
    });
  }
}
