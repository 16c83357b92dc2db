import { encodeJson, type Message, type NewMessage } from '@grapnel/contracts/message';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { JetStreamApiError, type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { Coalesced } from './coalesced.ts';
import type { StreamConnections } from './connections.ts';
import { fromStored } from './nats-message.ts';
import type {
  BatchReadOptions,
  ConsumeOptions,
  ConsumerLag,
  EventStreams,
  ReadOptions,
  Received,
  Stored,
  StreamState,
} from './ports.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';
import { PullLoop } from './pull-loop.ts';
import { Requests } from './requests.ts';
import { StreamReader } from './stream-reader.ts';

const NO_MESSAGE_FOUND = 10_037;
/** Messages that a reader may have before they are asked for. */
const READ_AHEAD = 1_000;
/** Acknowledgements wait so long for others to share a write with: nobody waits for them. */
const ACKS_WAIT_MS = 8;

/** {@link EventStreams} on NATS JetStream. */
export class JetStreamEventStreams implements EventStreams {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #publisher: Publisher;
  readonly #manager: JetStreamManager;
  readonly #connection: NatsConnection;
  readonly #loops = new Set<PullLoop>();
  readonly #readers = new Set<StreamReader>();
  readonly #acks: Coalesced;
  readonly #requests: Requests;

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
    this.#requests = new Requests(connections.publishing, clock);
    connections.onPublishingStatus((up) => (up ? this.#publisher.connectionBack() : this.#publisher.connectionLost()));
    connections.onConsumingStatus((up) => {
      for (const loop of this.#loops) {
        if (up) loop.resume();
        else loop.forgetPulls();
      }
      if (up) for (const reader of this.#readers) reader.reconnected();
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

  newestOn(stream: string, subject: string): Promise<Message | null> {
    return this.#ofLeader(stream, { last_by_subj: subject });
  }

  async state(stream: string): Promise<StreamState> {
    const { state, created } = await this.#manager.streams.info(stream);
    return { firstSequence: state.first_seq, lastSequence: state.last_seq, messages: state.messages, created };
  }

  async endsAt(stream: string, position: number): Promise<boolean> {
    // Of the leader, unlike a direct read; and unlike the stream's state it is short.
    const next = encodeJson({ seq: position + 1, next_by_subj: '>' });
    const answer = await this.#requests.ask(`$JS.API.STREAM.MSG.GET.${stream}`, next);
    const { error } = answer.json<{ readonly error?: { readonly err_code?: number; readonly description?: string } }>();
    if (error === undefined) return false;
    if (error.err_code === NO_MESSAGE_FOUND) return true;
    throw new Error(`the end of ${stream} cannot be asked for: ${error.description}`);
  }

  async *read(stream: string, options: ReadOptions): AsyncIterable<Message> {
    for await (const batch of this.readBatches(stream, { ...options, maxSize: READ_AHEAD, restMs: 0 })) {
      for (const message of batch) {
        if (options.signal.aborted) return;
        yield message;
      }
    }
  }

  async *readBatches(stream: string, options: BatchReadOptions): AsyncIterable<Message[]> {
    const ports = { connection: this.#connection, manager: this.#manager, clock: this.#clock, logger: this.#logger };
    const reader = new StreamReader(ports, stream, options);
    this.#readers.add(reader);
    try {
      yield* reader.batches();
    } finally {
      this.#readers.delete(reader);
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
    return direct === null ? this.#ofLeader(stream, query) : fromStored(stream, direct);
  }

  async #ofLeader(stream: string, query: { seq: number } | { last_by_subj: string }): Promise<Message | null> {
    const found = await foundOrNull(() => this.#manager.streams.getMessage(stream, query));
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
