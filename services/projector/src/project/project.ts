import type { Topology } from '@grapnel/contracts/topology';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { type EventStreams, StoreUnavailable } from '@grapnel/stream/ports';
import { Lifetime } from '../lifetime/lifetime.ts';
import type { ProjectionMetrics } from '../metrics.ts';
import type { ProjectionWriter } from '../ports.ts';
import { BehindOutcomes } from './behind-outcomes.ts';
import type { Changes } from './changes.ts';
import { DAY_MS, dayOf, keptFrom } from './days.ts';
import { Line } from './line.ts';
import type { DeletedWebhook } from './read-message.ts';
import type { Source, Sources } from './sources.ts';
import { WrittenLately } from './written-lately.ts';

export interface ProjectionContext {
  readonly streams: EventStreams;
  readonly sources: Sources;
  readonly names: Topology;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ProjectionMetrics;
}

/** How soon a rebuild is noticed when no message comes. */
const CONFIRM_MS = 500;
const CHECK_MS = 5_000;
const MAINTAIN_MS = 600_000;
const MAINTAIN_AGAIN_MS = 30_000;

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
  const { webhooks, outcomes, deliveries } = context.sources;
  const lifetime = await Lifetime.load(context, signal);
  if (signal.aborted) return;
  const { today, keptFrom: first } = daysOf(context);
  await writer.prepare(today, first, outcomes.stream, lifetime.restored);
  const over = new AbortController();
  const running = AbortSignal.any([signal, over.signal]);
  const lately = new WrittenLately();
  const begin = (source: Source, applied: (changes: Changes) => void | Promise<void>): Promise<Line> =>
    Line.begin(source, context, writer, applied);
  const deletions = await begin(webhooks, ({ deletedWebhooks }) => forget(deletedWebhooks, lifetime, context));
  const ended = await begin(outcomes, (changes) => lately.remember(changes.deliveries));
  const made = await begin(deliveries, () => {});
  const behindOutcomes = new BehindOutcomes(context.clock, ended, lately);

  // Deletions first: what is deleted never shows, not even while the read model is built anew.
  const deletionsKnown = deletions.reachedEnd(running);
  const work = [
    watch([deletions, ended, made], context, writer, running),
    maintain(ended, context, writer, lifetime, running),
    deletions.follow(running),
    deletionsKnown.then(() => ended.follow(running)),
    deletionsKnown.then(() =>
      made.follow(running, (changes, newest) => behindOutcomes.remaining(changes, newest, running)),
    ),
  ];
  try {
    await Promise.all(work);
  } finally {
    over.abort();
    await Promise.allSettled(work);
  }
}

/** Looks after what no message would tell: a lost lock, a rebuild, a stream that was replaced. */
async function watch(
  lines: readonly Line[],
  context: ProjectionContext,
  writer: ProjectionWriter,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = context;
  let checkAt = 0;
  for (;;) {
    await clock.sleep(CONFIRM_MS, signal).catch(() => {});
    if (signal.aborted) return;
    await writer.confirm(() => lines.map((line) => line.checkpoint));
    if (clock.monotonic() >= checkAt) {
      for (const line of lines) await line.check();
      checkAt = clock.monotonic() + CHECK_MS;
    }
  }
}

/**
 * Once what there was is projected, and then now and then: publishes the totals of the day that goes next, and drops the
 * days that are too old. A day is dropped only when its totals are published, and these only when what there was is counted.
 */
async function maintain(
  outcomes: Line,
  context: ProjectionContext,
  writer: ProjectionWriter,
  lifetime: Lifetime,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = context;
  await outcomes.reachedEnd(signal);
  while (!signal.aborted) {
    const { today, keptFrom: first } = daysOf(context);
    let pause = MAINTAIN_MS;
    try {
      await lifetime.publish(writer, first + DAY_MS);
      await writer.maintain(today, first);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      logger.warn({ err: error }, 'the totals of webhooks were not published; no day is dropped before they are');
      pause = MAINTAIN_AGAIN_MS;
    }
    await clock.sleep(pause, signal).catch(() => {});
  }
}

/** What is not removed now is removed with the next maintenance. */
async function forget(
  deleted: readonly DeletedWebhook[],
  lifetime: Lifetime,
  { logger }: ProjectionContext,
): Promise<void> {
  await lifetime.forget(deleted.map(({ webhookId }) => webhookId)).catch((error: unknown) => {
    logger.warn({ err: error }, 'the totals of a deleted webhook were not removed yet');
  });
}

function daysOf({ clock, retentionDays }: ProjectionContext): { readonly today: number; readonly keptFrom: number } {
  const now = clock.now();
  return { today: dayOf(now), keptFrom: keptFrom(now, retentionDays) };
}
