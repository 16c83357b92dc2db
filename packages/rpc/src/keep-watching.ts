import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';

export interface Watch<Message> {
  /** For the log: the watch on … */
  readonly what: string;
  /** Begins the watch anew; the stream begins with all there is. */
  readonly open: () => AsyncIterable<Message>;
  readonly take: (message: Message) => void;
}

/** Follows a server's stream until `signal` aborts, and begins again when it breaks. */
export async function keepWatching<Message>(
  { what, open, take }: Watch<Message>,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(clock);
  while (!signal.aborted) {
    try {
      for await (const message of open()) {
        backoff.reset();
        take(message);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, `the watch on ${what} was interrupted; trying again`);
    }
    await backoff.wait(signal).catch(() => {});
  }
}
