import { encodeJson, type Message } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock, Timer } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { AckPolicy, DeliverPolicy, type JetStreamManager, ReplayPolicy } from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection, nanos, nuid, type Subscription } from '@nats-io/nats-core';
import { NatsMessage } from './nats-message.ts';
import type { BatchReadOptions } from './ports.ts';
import { isOrdinaryEnd, isTooLarge, LARGEST_BYTES, LOST_AFTER_MS, nextSubject, PULL_MS } from './pulls.ts';

/** What one pull may bring: all readers of a service share one socket's buffer in the server. */
const PULL_BYTES = 3 * 1_048_576;
/** The server forgets a consumer that is asked for nothing for so long; another takes its place then. */
const FORGOTTEN_AFTER_MS = 60_000;

/** What is woken while nobody waits. */
const nobody = (): void => {};

export interface ReaderPorts {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Pull {
  readonly batch: number;
  /** Brings what is there and ends. */
  readonly isLook: boolean;
  /** Monotonic. */
  readonly deadline: number;
  /** Messages it may still bring. */
  left: number;
}

/** A consumer in the server, in memory and without acknowledgements. */
interface Session {
  readonly consumer: string;
  readonly inbox: string;
  readonly subscription: Subscription;
  /** How many of the consumer's messages have arrived. */
  arrived: number;
}

/**
 * Reads a stream in order and without gaps through consumers of its own: when one is lost, to a restart or to a message
 * that did not arrive, the next goes on after the last one that did.
 */
export class StreamReader {
  readonly #ports: ReaderPorts;
  readonly #stream: string;
  readonly #options: BatchReadOptions;
  readonly #backoff: Backoff;
  /** In the order in which the server serves them. */
  readonly #pulls = new Map<string, Pull>();
  readonly #messages: Message[] = [];
  #session: Session | null = null;
  #after: number;
  #lastPerSubject: boolean;
  #wake = nobody;
  #tokens = 0;
  /** The next message is larger than a pull usually allows. */
  #isLargeNext = false;
  /** The last look left something behind. */
  #isBehind = false;
  /** Monotonic; of the last look, or of what woke it. */
  #lookedAt = 0;

  constructor(ports: ReaderPorts, stream: string, options: BatchReadOptions) {
    this.#ports = ports;
    this.#stream = stream;
    this.#options = options;
    this.#backoff = new Backoff(ports.clock);
    this.#after = options.after;
    this.#lastPerSubject = options.lastPerSubject ?? false;
  }

  /** Until the signal aborts. */
  async *batches(): AsyncGenerator<Message[]> {
    const { signal, restMs } = this.#options;
    const stop = (): void => this.#wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      yield* restMs === 0 ? this.#asTheyCome() : this.#nowAndThen();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#leave();
    }
  }

  /** The connection is back; what was asked on it before is forgotten. */
  reconnected(): void {
    this.#leave();
  }

  async *#asTheyCome(): AsyncGenerator<Message[]> {
    const { maxSize } = this.#options;
    while (await this.#ready()) {
      let coming = this.#messages.length;
      for (const { left } of this.#pulls.values()) coming += left;
      if (coming <= maxSize / 2) this.#pull(maxSize, false);
      if (this.#messages.length > 0) yield this.#take();
      else await this.#woken();
    }
  }

  /**
   * Looks what is there, rests, and looks again: while something comes, the server need not wake this process, nor itself,
   * for every message. Where a look finds nothing, the first message is waited for.
   */
  async *#nowAndThen(): AsyncGenerator<Message[]> {
    let isIdle = false;
    while (await this.#ready()) {
      if (isIdle) {
        if (this.#pulls.size === 0) this.#pull(1, false);
        if (this.#messages.length === 0) await this.#woken();
        if (this.#messages.length === 0) continue;
        isIdle = false;
        this.#lookedAt = this.#ports.clock.monotonic();
        await this.#rest();
      }
      await this.#looked();
      if (this.#messages.length === 0) {
        isIdle = !this.#isLargeNext;
        continue;
      }
      const isBehind = this.#isBehind;
      const batch = this.#take();
      // Goes on while the batch is worked on.
      if (isBehind && this.#session !== null) this.#look();
      yield batch;
      if (!isBehind) await this.#rest();
    }
  }

  #take(): Message[] {
    return this.#messages.splice(0, this.#options.maxSize);
  }

  #rest(): Promise<void> {
    const { restMs, signal } = this.#options;
    const { clock } = this.#ports;
    const leftMs = restMs - (clock.monotonic() - this.#lookedAt);
    return leftMs <= 0 ? Promise.resolve() : clock.sleep(leftMs, signal).catch(() => {});
  }

  #look(): void {
    this.#lookedAt = this.#ports.clock.monotonic();
    this.#isBehind = false;
    this.#pull(this.#options.maxSize, true);
  }

  /** Resolves when the look that is under way, or a new one, has brought what there was. */
  async #looked(): Promise<void> {
    if (this.#session !== null && this.#pulls.size === 0) this.#look();
    while (this.#pulls.size > 0 && !this.#options.signal.aborted) await this.#woken();
  }

  /** `false` after the signal; otherwise there is a consumer to ask. */
  async #ready(): Promise<boolean> {
    const { signal } = this.#options;
    const { logger } = this.#ports;
    while (!signal.aborted) {
      if (this.#session !== null) return true;
      try {
        await this.#open();
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ err: error, stream: this.#stream }, 'a stream cannot be read; trying again');
        await this.#backoff.wait(signal).catch(() => {});
      }
    }
    return false;
  }

  async #open(): Promise<void> {
    const { manager, connection } = this.#ports;
    const { subject, headersOnly = false } = this.#options;
    const consumer = nuid.next();
    await manager.consumers.add(this.#stream, {
      name: consumer,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
      headers_only: headersOnly,
      ...(this.#lastPerSubject
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#after + 1 }),
      // One that reads the newest of each subject must say which subjects.
      ...(subject === undefined && !this.#lastPerSubject ? {} : { filter_subject: subject ?? '>' }),
    });
    const inbox = createInbox();
    const subscription = connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        // What an earlier consumer still sends was asked for again.
        if (error !== null || this.#session !== session) return;
        if (message.reply) this.#arrived(session, message);
        else this.#ended(session, message);
      },
    });
    const session: Session = { consumer, inbox, subscription, arrived: 0 };
    this.#session = session;
  }

  #pull(batch: number, isLook: boolean): void {
    const { clock, connection } = this.#ports;
    const { consumer, inbox } = this.#session as Session;
    const isLarge = this.#isLargeNext;
    this.#isLargeNext = false;
    const left = isLarge ? 1 : batch;
    const token = String(this.#tokens++);
    this.#pulls.set(token, { batch: left, left, isLook, deadline: clock.monotonic() + PULL_MS + LOST_AFTER_MS });
    const request = {
      batch: left,
      max_bytes: isLarge ? LARGEST_BYTES : PULL_BYTES,
      ...(isLook ? { no_wait: true } : { expires: nanos(PULL_MS) }),
    };
    connection.publish(nextSubject(this.#stream, consumer), encodeJson(request), { reply: `${inbox}.${token}` });
  }

  #arrived(session: Session, raw: Msg): void {
    const message = new NatsMessage(this.#stream, raw);
    const { consumerSequence, pending } = message.reply;
    if (consumerSequence !== ++session.arrived) return this.#lost('a message did not arrive');
    this.#after = message.sequence;
    // With one message for each subject the order is that of the stream, so after a break plain reading goes on from here.
    this.#lastPerSubject = false;
    this.#backoff.reset();
    this.#messages.push(message);
    const [oldest] = this.#pulls;
    if (oldest === undefined) return;
    const [token, pull] = oldest;
    pull.left--;
    const isOver = pull.left === 0 || (pull.isLook && pending === 0);
    if (isOver) this.#pulls.delete(token);
    if (isOver && pull.isLook) this.#isBehind = pending > 0;
    // A look is taken as a whole.
    if (isOver || !pull.isLook) this.#wake();
  }

  /** The server's own word about a pull. */
  #ended({ inbox }: Session, status: Msg): void {
    const token = status.subject.slice(inbox.length + 1);
    const pull = this.#pulls.get(token);
    if (pull === undefined) return;
    this.#pulls.delete(token);
    const { code = 0, description: text = '' } = status.headers ?? {};
    if (!isOrdinaryEnd(code, text)) return this.#lost(`${code} ${text}`);
    if (isTooLarge(code, text)) {
      this.#isBehind = true;
      this.#isLargeNext = pull.left === pull.batch;
    }
    this.#wake();
  }

  #lost(why: string): void {
    this.#ports.logger.warn({ stream: this.#stream, why }, 'reading was interrupted; going on with a new consumer');
    this.#leave();
  }

  #leave(): void {
    const session = this.#session;
    this.#session = null;
    this.#pulls.clear();
    this.#wake();
    if (session === null || this.#ports.connection.isClosed()) return;
    session.subscription.unsubscribe();
    // The server would forget it by itself.
    this.#ports.manager.consumers.delete(this.#stream, session.consumer).catch(() => {});
  }

  /** Resolves when something has happened; a pull of which nothing was heard past its time is lost, and its consumer with it. */
  async #woken(): Promise<void> {
    const { clock } = this.#ports;
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = clock.after(this.#untilLost(), resolve);
      if (this.#options.signal.aborted) resolve();
    });
    (timer as Timer | null)?.cancel();
    this.#wake = nobody;
    if (this.#pulls.size > 0 && this.#untilLost() <= 0) this.#lost('the server does not answer');
  }

  /** How long the oldest pull may still take, however long ago it was made. */
  #untilLost(): number {
    const [oldest] = this.#pulls.values();
    return oldest === undefined ? PULL_MS : oldest.deadline - this.#ports.clock.monotonic();
  }
}
