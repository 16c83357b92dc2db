import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import type { ProjectionMetrics } from '../metrics.ts';
import type { ProjectionWriter } from '../ports.ts';
import { dayOf, keptFrom } from './days.ts';
import { Line } from './line.ts';
import { allOf, type Sources } from './sources.ts';

export interface ProjectionContext {
  readonly streams: EventStreams;
  readonly sources: Sources;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ProjectionMetrics;
}

/** How soon a rebuild is noticed when no message comes. */
const CONFIRM_MS = 500;
const CHECK_MS = 5_000;
const MAINTAIN_MS = 600_000;

/**
 * Projects from where the checkpoints are, until `signal` aborts or anything fails. Positions come from the database
 * alone, and the streams are read in order from there: whatever was before — a crash, an outage, a rebuild, an older
 * backup — the next turn continues exactly after the last transaction.
 */
export async function project(
  context: ProjectionContext,
  writer: ProjectionWriter,
  signal: AbortSignal,
): Promise<void> {
  await maintain(context, writer);
  const { webhooks, outcomes, deliveries } = context.sources;
  const over = new AbortController();
  const running = AbortSignal.any([signal, over.signal]);
  const lines = new Map<string, Line>();
  for (const source of allOf(context.sources)) lines.set(source.stream, await Line.begin(source, context, writer));
  const line = ({ stream }: { readonly stream: string }): Line => lines.get(stream) as Line;

  const work = [
    watch([...lines.values()], context, writer, running),
    line(webhooks).follow(running),
    // Deletions first: what is deleted never shows, not even while the read model is built anew.
    ...[outcomes, deliveries].map(async (source) => {
      await line(webhooks).reachedEnd(running);
      await line(source).follow(running);
    }),
  ];
  try {
    await Promise.all(work);
  } finally {
    over.abort();
    await Promise.allSettled(work);
  }
}

/** Looks after what no message would tell: a lost lock, a rebuild, a stream that was replaced, a new day. */
async function watch(
  lines: readonly Line[],
  context: ProjectionContext,
  writer: ProjectionWriter,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = context;
  const due = { check: 0, maintain: clock.monotonic() + MAINTAIN_MS };
  for (;;) {
    await clock.sleep(CONFIRM_MS, signal).catch(() => {});
    if (signal.aborted) return;
    await writer.confirm(() => lines.map((line) => line.checkpoint));
    if (clock.monotonic() >= due.check) {
      for (const line of lines) await line.check();
      due.check = clock.monotonic() + CHECK_MS;
    }
    if (clock.monotonic() >= due.maintain) {
      await maintain(context, writer);
      due.maintain = clock.monotonic() + MAINTAIN_MS;
    }
  }
}

function maintain({ clock, retentionDays }: ProjectionContext, writer: ProjectionWriter): Promise<void> {
  const now = clock.now();
  return writer.maintain(dayOf(now), keptFrom(now, retentionDays));
}
