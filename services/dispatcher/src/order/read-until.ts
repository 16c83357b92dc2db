import type { Message } from '@grapnel/contracts/message';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';

export interface Stretch {
  readonly stream: string;
  readonly subject: string;
  readonly after: number;
  /** Must be there. */
  readonly last: number;
  readonly headersOnly: boolean;
}

/** A read to which nothing comes for so long has lost its end: the webhook was deleted meanwhile, or the streams are away. */
const SILENCE_MS = 15_000;

/**
 * The subject's messages after one position and up to another.
 * @throws when the last of them is not there
 */
export async function* readUntil(
  streams: EventStreams,
  clock: Clock,
  { stream, subject, after, last, headersOnly }: Stretch,
): AsyncGenerator<Message> {
  if (last <= after) return;
  const stop = new AbortController();
  const giveUp = () => clock.after(SILENCE_MS, () => stop.abort());
  let silence = giveUp();
  try {
    for await (const message of streams.read(stream, { after, subject, headersOnly, signal: stop.signal })) {
      silence.cancel();
      yield message;
      if (message.sequence >= last) return;
      silence = giveUp();
    }
    throw new Error(`nothing of ${subject} was read for too long before position ${last}`);
  } finally {
    silence.cancel();
    stop.abort();
  }
}
