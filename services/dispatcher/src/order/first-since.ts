import type { EventStreams } from '@grapnel/stream/ports';

/** Positions of deleted messages that are passed over before a look counts as late, which only makes the answer earlier. */
const GAPS = 8;

/** A position of a stream before which nothing was stored at or after `at`, found by some twenty looks. */
export async function firstSince(streams: EventStreams, stream: string, at: number): Promise<number> {
  const { firstSequence, lastSequence } = await streams.state(stream);
  // A stream that never held anything begins at 0.
  let early = Math.max(firstSequence, 1);
  let late = lastSequence + 1;
  while (early < late) {
    const middle = Math.floor((early + late) / 2);
    const storedAt = await storedAtOrAfter(streams, stream, middle);
    if (storedAt !== null && storedAt < at) early = middle + 1;
    else late = middle;
  }
  return early;
}

async function storedAtOrAfter(streams: EventStreams, stream: string, sequence: number): Promise<number | null> {
  for (let offset = 0; offset < GAPS; offset++) {
    const message = await streams.get(stream, sequence + offset);
    if (message !== null) return message.storedAt;
  }
  return null;
}
