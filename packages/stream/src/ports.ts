import type { Message, NewMessage } from '@grapnel/contracts/message';

/** Where a message was stored. */
export interface Stored {
  readonly sequence: number;
  /** The same id was there already within the stream's window; nothing new was stored. */
  readonly duplicate: boolean;
}

/**
 * The store did not confirm: it may or may not have kept the message. Publishing it again under the same id is safe.
 * `retryable` is false where trying again cannot help.
 */
export class StoreUnavailable extends Error {
  readonly retryable: boolean;

  constructor(message: string, options: ErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options);
    this.name = 'StoreUnavailable';
    this.retryable = options.retryable ?? true;
  }
}

/** Another writer was first: the subject's last message is not the one that was decided upon. */
export class WrongLastSequence extends Error {
  constructor(subject: string) {
    super(`another writer was first on ${subject}`);
    this.name = 'WrongLastSequence';
  }
}

/** A message handed to a durable consumer; exactly one of the first three ends it. */
export interface Received extends Message {
  /** Delivered before; whoever had it may have done part of the work. */
  readonly redelivered: boolean;
  /** Fire and forget: a lost ack means a redelivery. */
  ack(): void;
  /** Come again, after `delayMs` (short and rare: see the design's chapter on lanes). */
  nak(delayMs?: number): void;
  /** Never again: it cannot be handled. */
  term(reason: string): void;
  /** Restarts the acknowledgement's clock. */
  working(): void;
}

export interface StreamState {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
  /** Tells a stream from another of the same name made later. */
  readonly created: string;
}

export interface ReadOptions {
  /** Begin after this position. */
  readonly after: number;
  readonly subject?: string;
  /** Only the newest message of each subject, then everything new. */
  readonly lastPerSubject?: boolean;
  readonly headersOnly?: boolean;
  readonly signal: AbortSignal;
}

export interface BatchReadOptions extends ReadOptions {
  /** Of a batch. */
  readonly maxSize: number;
  /**
   * How long messages may lie there before they are brought, while nothing is behind: what is read now and then costs
   * every process on its way less. 0: as they come.
   */
  readonly restMs: number;
}

export interface ConsumeOptions {
  readonly stream: string;
  readonly durable: string;
  /** How many messages may be fetched and not yet ended by this process. */
  readonly maxInFlight: number;
  readonly signal: AbortSignal;
}

export interface ConsumerLag {
  /** Not yet delivered. */
  readonly pending: number;
  /** Delivered and not yet acknowledged. */
  readonly ackPending: number;
  /** Everything up to here is acknowledged. */
  readonly ackFloor: number;
}

/** The event streams, as the services need them; JetStream behind it in production. */
export interface EventStreams {
  /**
   * Resolves once the message is stored.
   * @throws StoreUnavailable, WrongLastSequence
   */
  publish(message: NewMessage): Promise<Stored>;
  /** `null` when there is none (any more). */
  get(stream: string, sequence: number): Promise<Message | null>;
  /** Any replica may answer, and one that lags knows an older one. */
  lastOn(stream: string, subject: string): Promise<Message | null>;
  /** As `lastOn`, of the leader: what was stored when it was asked is not missed. */
  newestOn(stream: string, subject: string): Promise<Message | null>;
  state(stream: string): Promise<StreamState>;
  /** Whether the stream holds nothing after a position: asked of its leader, and cheaper than `state`. */
  endsAt(stream: string, position: number): Promise<boolean>;
  /** In order and without gaps, across reconnects; live until the signal aborts. Ends without an error then. */
  read(stream: string, options: ReadOptions): AsyncIterable<Message>;
  /** As `read`, in batches of what has come meanwhile. */
  readBatches(stream: string, options: BatchReadOptions): AsyncIterable<Message[]>;
  /** Shares a durable consumer's messages with its other processes; `handle` ends each. Resolves after the signal. */
  consume(options: ConsumeOptions, handle: (message: Received) => Promise<void>): Promise<void>;
  lag(stream: string, durable: string): Promise<ConsumerLag>;
  /** The subjects in a stream that a filter covers, in no order. */
  subjects(stream: string, filter: string): Promise<string[]>;
  /** Removes every message of a subject, or those up to a position. */
  purge(stream: string, subject: string, through?: number): Promise<void>;
  /** Why the streams are out of reach; `null` while they are not. */
  problem(): string | null;
}

/** A small value with a revision, for positions that a consumer keeps itself. */
export interface Checkpoints {
  /** `null` when there never was one; a value of `null` when it was deleted, which has a revision too. */
  load(name: string): Promise<{ readonly value: number | null; readonly revision: number } | null>;
  /** `revision` of the value that was loaded, 0 for a new one; `null` when somebody else was first. */
  save(name: string, value: number, revision: number): Promise<number | null>;
}

/** Who is alive among the replicas of a service. */
export interface Members {
  /** Says “I am here” until disposed; `changed` is called with all live members, sorted, at first and at every change. */
  join(instance: string, changed: (members: readonly string[]) => void): Promise<AsyncDisposable>;
}

/** Small values that all replicas of a service know, and that outlive them: the newest of each key, in memory. */
export interface SharedValues<V> {
  get(key: string): V | null;
  /** Known here at once, to the others a moment later; not waited for. */
  put(key: string, value: V): void;
  delete(key: string): void;
}
