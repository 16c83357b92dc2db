import type { Clock } from '@grapnel/runtime/clock';
import { allOf } from '../project/sources.ts';
import { type PositionsContext, positions } from './positions.ts';

export interface RebuildContext extends PositionsContext {
  readonly clock: Clock;
}

export interface RebuildProgress {
  /** Positions of the streams, of those that there were when the rebuild began. */
  readonly done: number;
  readonly total: number;
  readonly finished: boolean;
}

const LOOK_MS = 250;

/**
 * Empties the read model and tells how far it is built anew, until it has caught up with what there was at the
 * beginning. The work is done by whichever replica projects; if this process ends first, or the caller goes away, it is
 * finished all the same.
 * @throws RebuildUnderWay, HistoryUnavailable
 */
export async function* rebuild(context: RebuildContext, signal: AbortSignal): AsyncIterable<RebuildProgress> {
  const { control, streams, sources, clock } = context;
  await using turn = new AsyncDisposableStack();
  turn.use(await control.reset());
  const spans = new Map<string, { first: number; last: number }>();
  for (const { stream } of allOf(sources)) {
    const { firstSequence, lastSequence } = await streams.state(stream);
    spans.set(stream, { first: firstSequence, last: lastSequence });
  }
  const total = sum([...spans.values()].map(({ first, last }) => Math.max(0, last - first + 1)));
  while (!signal.aborted) {
    let done = 0;
    let caughtUp = true;
    for (const { stream, begun, checkpoint, last } of await positions(context)) {
      const span = spans.get(stream) ?? { first: 0, last: 0 };
      const target = Math.min(span.last, last);
      if (!begun || checkpoint < target) caughtUp = false;
      // What was purged meanwhile is done as well.
      const reached = checkpoint < target ? checkpoint : span.last;
      done += Math.max(0, Math.min(reached, span.last) - span.first + 1);
    }
    yield { done, total, finished: caughtUp };
    if (caughtUp) return;
    await clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
