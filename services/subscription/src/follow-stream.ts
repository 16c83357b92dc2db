import { type Message, UnreadableMessage } from '@grapnel/contracts/message';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { batches } from '@grapnel/stream/batches';
import type { Checkpoints, EventStreams } from '@grapnel/stream/ports';

export interface Follower {
  /** Of its checkpoint. */
  readonly name: string;
  readonly stream: string;
  /**
   * Where to begin without a checkpoint, the first time or when checkpoints were lost: `oldest` where doing it all again
   * changes nothing, `now` where it would tell old news.
   */
  readonly beginning: 'oldest' | 'now';
  /** Called in stream order; the same batch may come again, here or in another replica. */
  readonly handle: (batch: readonly Message[]) => Promise<void>;
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

/** How long a replica that lost the checkpoint to another leaves the work to it. */
const STAND_BY_MS = 5_000;

/**
 * Reads a stream in order from a position of our own, until `signal` aborts. The checkpoint moves after a batch is
 * handled; its revision only keeps replicas from all doing the same work.
 */
export async function followStream(follower: Follower, context: FollowContext, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(context.clock);
  while (!signal.aborted) {
    try {
      await follow(follower, context, signal);
      await context.clock.sleep(STAND_BY_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      context.logger.warn(
        { err: error, checkpoint: follower.name },
        'following a stream was interrupted; trying again',
      );
      await backoff.wait(signal).catch(() => {});
    }
  }
}

/** Returns when another replica is doing it. */
async function follow(
  { name, stream, beginning, handle }: Follower,
  { streams, checkpoints, clock }: FollowContext,
  signal: AbortSignal,
): Promise<void> {
  const { value, revision: known } = (await checkpoints.load(name)) ?? { value: null, revision: 0 };
  const { lastSequence } = await streams.state(stream);
  let revision = known;
  // A position beyond the stream belongs to one that is gone, and the new one holds no old news.
  let after = value !== null && value <= lastSequence ? value : 0;
  if (value === null && beginning === 'now') {
    after = lastSequence;
    // At once: what is stored from here on must be told, though this process ends before it has told anything.
    const begun = await checkpoints.save(name, after, revision);
    if (begun === null) return;
    revision = begun;
  }
  const left = new AbortController();
  const messages = streams.read(stream, { after, signal: AbortSignal.any([signal, left.signal]) });
  for await (const batch of batches(messages, { maxSize: 500, maxWaitMs: 50, clock })) {
    let saved: number | null = null;
    try {
      await handle(batch);
      saved = await checkpoints.save(name, batch.at(-1)?.sequence ?? after, revision);
    } finally {
      // Before the loop is left: its end waits for the read that is pending.
      if (saved === null) left.abort();
    }
    if (saved === null) return;
    revision = saved;
  }
}
