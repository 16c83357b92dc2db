import { encodeJson } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock, Timer } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/nats-core';
import type { Coalesced } from './coalesced.ts';
import type { ConsumeOptions, Received } from './ports.ts';
import { PulledMessage } from './pulled-message.ts';
import { isOrdinaryEnd, isTooLarge, LARGEST_BYTES, LOST_AFTER_MS, nextSubject, PULL_MS } from './pulls.ts';

/** What may be on its way for one consumer, by the size of what came lately: all of them share one socket's buffer in the server. */
const BYTES_ON_THE_WAY = 2 * 1_048_576;
/** What may be in hand of one consumer: many large messages for slow customers must not fill the memory. */
const BYTES_IN_HAND = 64 * 1_048_576;
/** Bounds of what one pull may bring: several times what is expected, so that sizes which change at once overrun nothing. */
const PULL_BYTES = { margin: 4, min: 65_536, max: 3 * 1_048_576 };
/** Until the first message tells. */
const FIRST_GUESS_BYTES = 4_096;
/** Of the difference between a size and the average: small messages lower it slowly, a large one raises it at once. */
const WEIGHT = 0.05;
/** After a stop: where pulls bring nothing for so long it is worth asking whether there is anything. */
const QUIET_MS = 100;
const LOOK_MS = 20;
/** A stop waits so long for the server's word that nothing more is on its way; it may be away. */
const LAST_WORD_MS = 2_000;

/** What a loop needs beside its connection. */
export interface PullPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly acks: Coalesced;
  /** How many messages the consumer has not delivered to anybody yet. */
  undelivered(): Promise<number>;
}

interface Pull {
  readonly batch: number;
  /** Messages it may still bring. */
  left: number;
  readonly deadline: number;
}

/**
 * Keeps a durable consumer's messages coming: asks for as many as there is room for, by count and by bytes, and asks again
 * as they end. Messages go to the handler as the socket brings them, without a queue in between. What still arrives after
 * the stop goes back at once, so that another process has it within a round trip and not after the acknowledgement's time.
 */
export class PullLoop {
  readonly #connection: NatsConnection;
  readonly #options: ConsumeOptions;
  readonly #ports: PullPorts;
  readonly #handle: (message: Received) => Promise<void>;
  readonly #inbox = createInbox();
  readonly #askSubject: string;
  readonly #backoff: Backoff;
  /** In the order in which the server serves them. */
  readonly #pulls = new Map<string, Pull>();
  readonly #idle = Promise.withResolvers<void>();
  #subscription: Subscription | null = null;
  #timer: Timer | null = null;
  #next = 0;
  #asked = 0;
  #inHand = 0;
  #bytesInHand = 0;
  #bytes = FIRST_GUESS_BYTES;
  #paused = false;
  #stopped = false;
  /** Monotonic; of the last message. */
  #arrivedAt = 0;

  constructor(
    connection: NatsConnection,
    options: ConsumeOptions,
    ports: PullPorts,
    handle: (message: Received) => Promise<void>,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#ports = ports;
    this.#handle = handle;
    this.#askSubject = nextSubject(options.stream, options.durable);
    this.#backoff = new Backoff(ports.clock);
  }

  /** Runs until the signal aborts and every message in hand has ended. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    if (signal.aborted) return;
    this.#subscription = this.#connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#arrived(message);
      },
    });
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    this.#ask();
    this.#watch();
    await aborted.promise;
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#lastWord();
    if (this.#inHand > 0) await this.#idle.promise;
    this.#ports.acks.flush();
  }

  /** The connection was lost: pulls went with it. */
  forgetPulls(): void {
    this.#pulls.clear();
    this.#asked = 0;
  }

  /** The connection is back. */
  resume(): void {
    this.forgetPulls();
    this.#ask();
  }

  /** Asks for what there is room for, in few requests: when nothing is asked for, or a quarter of the window is free. */
  #ask(): void {
    if (this.#stopped || this.#paused || this.#connection.isClosed()) return;
    const { maxInFlight } = this.#options;
    const fitting = Math.max(1, Math.floor(BYTES_ON_THE_WAY / this.#bytes));
    const free = Math.floor((BYTES_IN_HAND - this.#bytesInHand) / this.#bytes);
    const room = Math.min(maxInFlight - this.#inHand, fitting, this.#inHand === 0 ? fitting : free) - this.#asked;
    if (room <= 0 || (this.#asked > 0 && room < Math.min(maxInFlight, fitting) / 4)) return;
    const expected = room * this.#bytes * PULL_BYTES.margin;
    this.#pull(room, Math.min(Math.max(Math.ceil(expected), PULL_BYTES.min), PULL_BYTES.max));
  }

  #pull(batch: number, maxBytes: number): void {
    const token = String(this.#next++);
    this.#pulls.set(token, { batch, left: batch, deadline: this.#ports.clock.monotonic() + PULL_MS + LOST_AFTER_MS });
    this.#asked += batch;
    const request = { batch, expires: nanos(PULL_MS), max_bytes: maxBytes };
    this.#connection.publish(this.#askSubject, encodeJson(request), { reply: `${this.#inbox}.${token}` });
  }

  #arrived(message: Msg): void {
    // The server's own word about a pull; what it delivers can be answered.
    if (!message.reply) return this.#ended(message);
    const size = message.data.byteLength;
    this.#bytes = Math.max(size, this.#bytes + WEIGHT * (size - this.#bytes), 1);
    this.#fillOldest();
    this.#arrivedAt = this.#ports.clock.monotonic();
    const received = new PulledMessage(this.#options.stream, message, this.#ports.acks);
    if (this.#stopped) return received.nak();
    this.#inHand++;
    this.#bytesInHand += size;
    this.#handle(received).then(
      () => this.#handled(size),
      (error: unknown) => {
        // A bug, or an outage: the message comes again.
        const { stream, sequence } = received;
        this.#ports.logger.error({ err: error, stream, sequence }, 'a message was not handled');
        received.nak(1_000);
        this.#handled(size);
      },
    );
    if (this.#pulls.size === 0) this.#ask();
  }

  #handled(size: number): void {
    this.#inHand--;
    this.#bytesInHand -= size;
    if (this.#stopped) {
      if (this.#inHand === 0) this.#idle.resolve();
    } else this.#ask();
  }

  #fillOldest(): void {
    this.#backoff.reset();
    for (const [token, pull] of this.#pulls) {
      this.#asked--;
      if (--pull.left === 0) this.#pulls.delete(token);
      return;
    }
  }

  #ended(status: Msg): void {
    const pull = this.#forget(status.subject.slice(this.#inbox.length + 1));
    const { code = 0, description: text = '' } = status.headers ?? {};
    if (this.#stopped) return;
    const broughtNothing = pull !== undefined && pull.left === pull.batch;
    if (broughtNothing && isTooLarge(code, text)) this.#pull(1, LARGEST_BYTES);
    else if (isOrdinaryEnd(code, text)) this.#ask();
    else void this.#askLater(code, text);
  }

  #forget(token: string): Pull | undefined {
    const pull = this.#pulls.get(token);
    if (pull === undefined) return undefined;
    this.#asked -= pull.left;
    this.#pulls.delete(token);
    return pull;
  }

  /** The consumer is not there at the moment: a leader is elected, the server restarts, nobody provisioned it yet. */
  async #askLater(code: number, text: string): Promise<void> {
    if (this.#paused || this.#stopped) return;
    const { stream, durable, signal } = this.#options;
    this.#ports.logger.warn({ stream, consumer: durable, code, text }, 'pulling was interrupted; trying again');
    this.#paused = true;
    await this.#backoff.wait(signal).catch(() => {});
    this.#paused = false;
    this.#ask();
  }

  #watch(): void {
    this.#timer = this.#ports.clock.after(LOST_AFTER_MS, () => {
      const now = this.#ports.clock.monotonic();
      for (const [token, { deadline }] of this.#pulls) if (deadline < now) this.#forget(token);
      this.#ask();
      this.#watch();
    });
  }

  /**
   * The server has counted a pull's messages as delivered before it sends them, and drops what finds no subscription any
   * more. So the subscription goes when the pulls have brought all they may (what is given back fills them soon), or when
   * there is nothing to bring.
   */
  async #lastWord(): Promise<void> {
    this.#arrivedAt = this.#ports.clock.monotonic();
    const deadline = this.#arrivedAt + PULL_MS;
    while (this.#pulls.size > 0 && !this.#connection.isClosed()) {
      const now = this.#ports.clock.monotonic();
      if (now > deadline) break;
      // A server that is short of time is quiet, too.
      if (now - this.#arrivedAt > QUIET_MS && (await this.#undelivered()) === 0) break;
      await this.#ports.clock.sleep(LOOK_MS);
    }
    await this.#drained();
  }

  /** Messages that the server could bring. One that does not answer brings nothing either. */
  async #undelivered(): Promise<number> {
    try {
      return await this.#ports.undelivered();
    } catch {
      return 0;
    }
  }

  async #drained(): Promise<void> {
    const drained = this.#subscription?.drain().catch(() => {});
    let timer: Timer | null = null;
    const longEnough = new Promise<void>((resolve) => {
      timer = this.#ports.clock.after(LAST_WORD_MS, resolve);
    });
    await Promise.race([drained, longEnough]);
    (timer as Timer | null)?.cancel();
  }
}
