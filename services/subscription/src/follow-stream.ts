import { type Message, UnreadableMessage } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { Checkpoints, EventStreams } from '@grapnel/stream/ports';

/** Something in a stream, at a position. */
export interface Placed {
  readonly sequence: number;
}

/** One purpose for which a stream is followed, with a checkpoint of its own. */
export interface Part<T extends Placed> {
  /** Of its checkpoint. */
  readonly name: string;
  /**
   * Where to begin without a checkpoint, the first time or when checkpoints were lost: `oldest` where doing it all again
   * changes nothing, `now` where it would tell old news.
   */
  readonly beginning: 'oldest' | 'now';
  /** Called in stream order; the same batch may come again, here or in another replica. */
  readonly handle: (batch: readonly T[]) => Promise<void>;
}

export interface Follower<T extends Placed> {
  readonly stream: string;
  readonly headersOnly?: boolean;
  /** What is to be handled of a batch: made once for all parts. */
  readonly prepare: (batch: readonly Message[]) => Promise<readonly T[]>;
  /** They share one reading of the stream. */
  readonly parts: readonly Part<T>[];
}

export interface FollowContext {
  readonly streams: EventStreams;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What `read` makes of a message; `null`, and said to the log, for one that cannot be read: it must not stop the rest. */
export function readOrPassOver<T>(message: Message, read: (message: Message) => T, logger: Logger): T | null {
  try {
    return read(message);
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error;
    logger.error({ err: error }, 'an unreadable message was passed over');
    return null;
  }
}

/** Nobody waits for what is made of a message within less. */
const BATCH = { maxSize: 500, restMs: 100 };
/** How long a replica that lost the checkpoint to another leaves the work to it. */
const STAND_BY_MS = 5_000;

/**
 * Reads a stream in order from positions of our own, until `signal` aborts. A checkpoint moves after a batch is handled; its
 * revision only keeps replicas from all doing the same work.
 */
export async function followStream<T extends Placed>(
  follower: Follower<T>,
  context: FollowContext,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(context.clock);
  const checkpoints = follower.parts.map(({ name }) => name);
  while (!signal.aborted) {
    try {
      await follow(follower, context, signal);
      await context.clock.sleep(STAND_BY_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      context.logger.warn({ err: error, checkpoints }, 'following a stream was interrupted; trying again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}

/** How far a part has come. */
interface Progress<T extends Placed> {
  readonly part: Part<T>;
  after: number;
  revision: number;
}

/** Returns when another replica is doing it. */
async function follow<T extends Placed>(
  { stream, headersOnly = false, prepare, parts }: Follower<T>,
  context: FollowContext,
  signal: AbortSignal,
): Promise<void> {
  const { streams } = context;
  const { lastSequence } = await streams.state(stream);
  const progress: Progress<T>[] = [];
  for (const part of parts) {
    const begun = await begin(part, lastSequence, context);
    if (begun === null) return;
    progress.push(begun);
  }
  const after = Math.min(...progress.map((each) => each.after));
  const left = new AbortController();
  const reading = { ...BATCH, after, headersOnly, signal: AbortSignal.any([signal, left.signal]) };
  for await (const batch of streams.readBatches(stream, reading)) {
    const last = batch.at(-1)?.sequence ?? after;
    let kept = false;
    try {
      const prepared = await prepare(batch);
      kept = (await Promise.all(progress.map((each) => goOn(each, prepared, last, context)))).every(Boolean);
    } finally {
      // Before the loop is left: its end waits for the read that is pending.
      if (!kept) left.abort();
    }
    if (!kept) return;
  }
}

/** `null`: another replica was first. */
async function begin<T extends Placed>(
  part: Part<T>,
  lastSequence: number,
  { checkpoints }: FollowContext,
): Promise<Progress<T> | null> {
  const { value, revision } = (await checkpoints.load(part.name)) ?? { value: null, revision: 0 };
  // A position beyond the stream belongs to one that is gone, and the new one holds no old news.
  if (value !== null || part.beginning === 'oldest') {
    return { part, after: value !== null && value <= lastSequence ? value : 0, revision };
  }
  // At once: what is stored from here on must be told, though this process ends before it has told anything.
  const begun = await checkpoints.save(part.name, lastSequence, revision);
  return begun === null ? null : { part, after: lastSequence, revision: begun };
}

/** Handles what is new to a part; `false` when another replica has gone on meanwhile. */
async function goOn<T extends Placed>(
  progress: Progress<T>,
  prepared: readonly T[],
  last: number,
  { checkpoints }: FollowContext,
): Promise<boolean> {
  const { part, after, revision } = progress;
  if (last <= after) return true;
  const fresh = prepared.filter(({ sequence }) => sequence > after);
  if (fresh.length > 0) await part.handle(fresh);
  const saved = await checkpoints.save(part.name, last, revision);
  if (saved === null) return false;
  progress.after = last;
  progress.revision = saved;
  return true;
}
