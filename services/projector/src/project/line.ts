import type { Message } from '@grapnel/contracts/message';
import type { StreamState } from '@grapnel/stream/ports';
import type { Checkpoint, ProjectionWriter } from '../ports.ts';
import type { Progress } from './behind-outcomes.ts';
import type { Changes } from './changes.ts';
import type { ProjectionContext } from './project.ts';
import type { Source } from './sources.ts';
import { newestReadable } from './stream-end.ts';

/** A stream was deleted and made again while it was read. */
class StreamReplaced extends Error {
  constructor(stream: string) {
    super(`${stream} was replaced by another stream of that name`);
    this.name = 'StreamReplaced';
  }
}

/** The more a batch holds, the fewer times it changes a webhook's row of statistics; this many only wait under load. */
const BATCH = { maxSize: 2_000, restMs: 200 };

type Prepare = (changes: Changes, newest: Message) => Promise<Changes>;

/** The way of one stream's messages into the read model. */
export class Line implements Progress {
  readonly #source: Source;
  readonly #context: ProjectionContext;
  readonly #writer: ProjectionWriter;
  readonly #end = Promise.withResolvers<void>();
  readonly #endAtBegin: number;
  readonly #applied: (changes: Changes) => void | Promise<void>;
  #checkpoint: Checkpoint;
  #reached = 0;
  #applying = false;
  #appliedAt: number;

  private constructor(
    source: Source,
    context: ProjectionContext,
    writer: ProjectionWriter,
    at: Checkpoint,
    end: number,
    applied: (changes: Changes) => void | Promise<void>,
  ) {
    this.#source = source;
    this.#context = context;
    this.#writer = writer;
    this.#checkpoint = at;
    this.#endAtBegin = end;
    this.#applied = applied;
    this.#appliedAt = context.clock.monotonic();
    this.#passed();
  }

  /** `applied` is called with what was written, after the commit. */
  static async begin(
    source: Source,
    context: ProjectionContext,
    writer: ProjectionWriter,
    applied: (changes: Changes) => void | Promise<void>,
  ): Promise<Line> {
    const { stream, subjects } = source;
    const { created, lastSequence } = await context.streams.state(stream);
    const at = await writer.checkpoint(stream, created, lastSequence);
    const end = await newestReadable(context.streams, stream, subjects, at.sequence);
    if (at.sequence < end) context.logger.info({ stream, after: at.sequence, end }, 'projecting what is behind');
    return new Line(source, context, writer, at, end, applied);
  }

  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  get reached(): number {
    return this.#reached;
  }

  get idleMs(): number {
    return this.#applying ? 0 : this.#context.clock.monotonic() - this.#appliedAt;
  }

  /** Resolves when everything is projected that was in the stream at the beginning, or after `signal`. */
  reachedEnd(signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.#end.resolve();
    else signal.addEventListener('abort', () => this.#end.resolve(), { once: true });
    return this.#end.promise;
  }

  /** Resolves after `signal`. `prepare` may hold a batch back that ends with the message it is given. */
  async follow(signal: AbortSignal, prepare?: Prepare): Promise<void> {
    const { streams, clock } = this.#context;
    const { stream, headersOnly } = this.#source;
    // Reading must end before the loop is left, or leaving it would wait for the next message.
    const failed = new AbortController();
    const batches = streams.readBatches(stream, {
      ...BATCH,
      after: this.#checkpoint.sequence,
      headersOnly,
      signal: AbortSignal.any([signal, failed.signal]),
    });
    for await (const batch of batches) {
      const newest = batch.at(-1);
      if (newest === undefined) continue;
      const found = this.#changesOf(batch);
      const changes = prepare === undefined ? found : await prepare(found, newest);
      this.#applying = true;
      try {
        await this.#apply(changes, newest, batch.length);
      } catch (error) {
        failed.abort();
        throw error;
      } finally {
        this.#applying = false;
        this.#appliedAt = clock.monotonic();
      }
    }
  }

  /** @throws StreamReplaced */
  async check(): Promise<void> {
    const { streams, metrics, logger } = this.#context;
    const { stream } = this.#source;
    let state: StreamState;
    try {
      state = await streams.state(stream);
    } catch (error) {
      logger.debug({ err: error, stream }, 'the end of a stream could not be asked for');
      return;
    }
    if (state.created !== this.#checkpoint.created) throw new StreamReplaced(stream);
    metrics.lag(stream, Math.max(0, state.lastSequence - this.#checkpoint.sequence));
  }

  #changesOf(batch: readonly Message[]): Changes {
    const { logger, metrics } = this.#context;
    return this.#source.changesOf(batch, (error) => {
      metrics.unreadable(this.#source.stream);
      logger.error({ err: error }, 'an unreadable message was passed over');
    });
  }

  async #apply(changes: Changes, newest: Message, messages: number): Promise<void> {
    const { clock, metrics } = this.#context;
    const began = clock.monotonic();
    const to = newest.sequence;
    const written = await this.#writer.apply(changes, this.#checkpoint, to);
    this.#checkpoint = { ...this.#checkpoint, sequence: to };
    this.#reached = newest.storedAt;
    this.#passed();
    await this.#applied(changes);
    metrics.batch(this.#source.stream, messages, clock.monotonic() - began, written);
  }

  #passed(): void {
    if (this.#checkpoint.sequence >= this.#endAtBegin) this.#end.resolve();
  }
}
