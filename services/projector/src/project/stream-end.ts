import type { EventStreams } from '@grapnel/stream/ports';

/**
 * The newest message that can still be read, for a reader who has come as far as `checkpoint`: what was purged from the
 * end of a stream will never come, and nobody must wait for it.
 */
export async function newestReadable(
  streams: EventStreams,
  stream: string,
  subjects: string,
  checkpoint: number,
): Promise<number> {
  const { lastSequence } = await streams.state(stream);
  if (checkpoint >= lastSequence) return checkpoint;
  const newest = await streams.lastOn(stream, subjects);
  return Math.max(checkpoint, newest?.sequence ?? 0);
}
