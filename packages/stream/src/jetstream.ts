import type { Message, NewMessage } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import {
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { Coalesced } from './coalesced.ts';
import type { StreamConnections } from './connections.ts';
import { fromStored, NatsMessage } from './nats-message.ts';
import type { ConsumeOptions, ConsumerLag, EventStreams, ReadOptions, Received, Stored, StreamState } from './ports.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';
import { PullLoop } from './pull-loop.ts';

const NO_MESSAGE_FOUND = 10_037;
/** Bounds a pull, and with it how long the client waits before it looks again after a server that restarts was not ready. */
const PULL_MS = 4_000;
/** Acknowledgements wait so long for others to share a write with: nobody waits for them. */
const ACKS_WAIT_MS = 8;

/** {@link EventStreams} on NATS JetStream. */
export class JetStreamEventStreams implements EventStreams {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #publisher: Publisher;
  readonly #consuming: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #connection: NatsConnection;
  readonly #loops = new Set<PullLoop>();
  readonly #acks: Coalesced;

  private constructor(
    connections: StreamConnections,
    clock: Clock,
    logger: Logger,
    manager: JetStreamManager,
    options: Partial<PublisherOptions>,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#manager = manager;
    this.#acks = new Coalesced(clock, () => ACKS_WAIT_MS);
    this.#publisher = new Publisher(connections.publishing, clock, options);
    this.#connection = connections.consuming;
    this.#consuming = jetstream(connections.consuming);
    connections.onPublishingStatus((up) => (up ? this.#publisher.connectionBack() : this.#publisher.connectionLost()));
    connections.onConsumingStatus((up) => {
      for (const loop of this.#loops) {
        if (up) loop.resume();
        else loop.forgetPulls();
      }
    });
  }

  static async open(
    connections: StreamConnections,
    clock: Clock,
    logger: Logger,
    options: Partial<PublisherOptions> = {},
  ): Promise<JetStreamEventStreams> {
    const manager = await jetstreamManager(connections.publishing, { checkAPI: false });
    return new JetStreamEventStreams(connections, clock, logger, manager, options);
  }

  publish(message: NewMessage): Promise<Stored> {
    return this.#publisher.publish(message);
  }

  get(stream: string, sequence: number): Promise<Message | null> {
    return this.#direct(stream, { seq: sequence });
  }

  lastOn(stream: string, subject: string): Promise<Message | null> {
    return this.#direct(stream, { last_by_subj: subject });
  }

  async state(stream: string): Promise<StreamState> {
    const { state, created } = await this.#manager.streams.info(stream);
    return { firstSequence: state.first_seq, lastSequence: state.last_seq, messages: state.messages, created };
  }

  async *read(stream: string, options: ReadOptions): AsyncIterable<Message> {
    const backoff = new Backoff(this.#clock);
    let { after, lastPerSubject = false } = options;
    while (!options.signal.aborted) {
      let messages: ConsumerMessages | null = null;
      const close = (): void => void messages?.close();
      try {
        const consumer = await this.#consuming.consumers.get(stream, {
          ...(lastPerSubject
            ? { deliver_policy: DeliverPolicy.LastPerSubject }
            : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
          ...(options.subject === undefined ? {} : { filter_subjects: options.subject }),
          headers_only: options.headersOnly ?? false,
        });
        messages = await consumer.consume({ max_messages: 1_000, expires: PULL_MS });
        options.signal.addEventListener('abort', close, { once: true });
        if (options.signal.aborted) close();
        for await (const message of messages) {
          backoff.reset();
          after = message.seq;
          // With one message per subject the order is that of the stream, so after a break plain reading goes on from here.
          lastPerSubject = false;
          yield new NatsMessage(stream, message);
        }
      } catch (error) {
        if (!options.signal.aborted) this.#logger.warn({ err: error, stream }, 'reading was interrupted; trying again');
      } finally {
        options.signal.removeEventListener('abort', close);
        close();
      }
      await backoff.wait(options.signal).catch(() => {});
    }
  }

  async consume(options: ConsumeOptions, handle: (message: Received) => Promise<void>): Promise<void> {
    const ports = {
      clock: this.#clock,
      logger: this.#logger,
      acks: this.#acks,
      undelivered: async () => (await this.lag(options.stream, options.durable)).pending,
    };
    const loop = new PullLoop(this.#connection, options, ports, handle);
    this.#loops.add(loop);
    await loop.run();
    this.#loops.delete(loop);
  }

  async lag(stream: string, durable: string): Promise<ConsumerLag> {
    const found = await this.#manager.consumers.info(stream, durable);
    return { pending: found.num_pending, ackPending: found.num_ack_pending, ackFloor: found.ack_floor.stream_seq };
  }

  async subjects(stream: string, filter: string): Promise<string[]> {
    const { state } = await this.#manager.streams.info(stream, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {});
  }

  async purge(stream: string, subject: string, through?: number): Promise<void> {
    const until = through === undefined ? {} : { seq: through + 1 };
    await this.#manager.streams.purge(stream, { filter: subject, ...until });
  }

  problem(): string | null {
    return this.#publisher.connected ? null : 'nats: not connected';
  }

  /** Any replica may answer a direct read, and one that lags knows less: what it misses is asked of the leader. */
  async #direct(stream: string, query: { seq: number } | { last_by_subj: string }): Promise<Message | null> {
    const direct = await foundOrNull(() => this.#manager.direct.getMessage(stream, query));
    const found = direct ?? (await foundOrNull(() => this.#manager.streams.getMessage(stream, query)));
    return found === null ? null : fromStored(stream, found);
  }
}

async function foundOrNull(read: () => Promise<StoredMsg | null>): Promise<StoredMsg | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE_FOUND) return null;
    throw error;
  }
}
