import { Readable } from 'node:stream';
import type { Clock } from '@grapnel/runtime/clock';
import type { FastifyReply } from 'fastify';

export interface SseEvent {
  readonly id: string;
  readonly event: string;
  readonly json: unknown;
}

export interface SseOptions {
  readonly clock: Clock;
  /** Asked before every event and at every heartbeat; false ends the stream. */
  readonly goOn: () => boolean;
  /** Called once, however the stream ends. */
  readonly onEnd: (failure: unknown) => void;
}

export const HEARTBEAT_MS = 15_000;
const RECONNECT_AFTER_MS = 3_000;

/**
 * Answers with server-sent events. Pulling the next event only when the client has taken the last one is what keeps a
 * slow reader from filling memory. A source that fails ends the answer: EventSource then reconnects and resumes.
 */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<SseEvent>, options: SseOptions): FastifyReply {
  const onEnd = once(options.onEnd);
  const lines = Readable.from(textOf(events, { ...options, onEnd }), { objectMode: false, highWaterMark: 16_384 });
  // Also where the client had gone before the first line, and the events were never begun.
  lines.once('close', () => onEnd(null));
  return (
    reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      // A stopping server must not wait for a connection that is kept alive for nothing.
      .header('connection', 'close')
      .send(lines)
  );
}

function once(onEnd: SseOptions['onEnd']): SseOptions['onEnd'] {
  let ended = false;
  return (failure) => {
    if (!ended) onEnd(failure);
    ended = true;
  };
}

async function* textOf(events: AsyncIterable<SseEvent>, { clock, goOn, onEnd }: SseOptions): AsyncIterable<string> {
  const source = events[Symbol.asyncIterator]();
  let failure: unknown = null;
  try {
    // The first line at once: headers go out with it.
    yield `retry: ${RECONNECT_AFTER_MS}\n: connected\n\n`;
    let next = source.next();
    for (;;) {
      const winner = await firstOf(next, clock);
      if (!goOn()) return;
      if (winner === 'heartbeat') {
        yield ': heartbeat\n\n';
        continue;
      }
      if (winner.done === true) return;
      const { id, event, json } = winner.value;
      yield `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(json)}\n\n`;
      next = source.next();
    }
  } catch (error) {
    failure = error;
  } finally {
    onEnd(failure);
  }
}

async function firstOf<T>(next: Promise<T>, clock: Clock): Promise<T | 'heartbeat'> {
  const over = new AbortController();
  const heartbeat = clock.sleep(HEARTBEAT_MS, over.signal).then(
    () => 'heartbeat' as const,
    () => 'heartbeat' as const,
  );
  try {
    return await Promise.race([next, heartbeat]);
  } finally {
    over.abort();
  }
}
