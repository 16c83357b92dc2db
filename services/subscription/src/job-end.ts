import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import type { WebhookId } from '@grapnel/domain/ids';
import { endsJob } from '@grapnel/domain/job';
import { profileOf } from '@grapnel/domain/profiles/registry';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams, Received } from '@grapnel/stream/ports';
import { commandWebhook } from './command-webhook.ts';
import type { Directory } from './directory.ts';

export interface JobEndContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
}

/** The webhooks that belong to the job this event ends; `null` when it ends none, or none belongs to it. */
export function endingJob(event: Event, directory: Directory): WebhookId[] | null {
  if (event.jobId === null || !endsJob(event.type)) return null;
  const ids = directory.index.ofJob(event.tenant, event.jobId).filter((id) => {
    const { state } = directory.find(id);
    return state.kind === 'present' && speaksOf(event.type, state.webhook);
  });
  return ids.length === 0 ? null : ids;
}

/** A scrape that ends within a crawl does not end the crawl for those who know of no scrapes. */
function speaksOf(type: string, { config }: Webhook): boolean {
  return profileOf(config.profile).eventTypes?.includes(type) ?? true;
}

const LOOK_AGAIN_MS = 50;
/** Restarts the acknowledgement's clock long before it runs out. */
const WORKING_EVERY = 40;

/**
 * Waits until every event that was stored before this one is fanned out and acknowledged: the consumer's floor says so for
 * all replicas, also after a crash. An earlier event that is being tried again holds the end of the job back, as it should.
 */
export async function earlierFannedOut(
  message: Received,
  { streams, names, clock }: JobEndContext,
  signal: AbortSignal,
): Promise<void> {
  for (let looks = 1; ; looks++) {
    const { ackFloor } = await streams.lag(names.streams.events, names.consumers.fanout);
    if (ackFloor >= message.sequence - 1) return;
    if (looks % WORKING_EVERY === 0) message.working();
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/**
 * Retires the job's webhooks: they match no more, and what is under way is still delivered (FC-06). Comes after all
 * deliveries are stored; a repeat finds them retired and has nothing left to make.
 */
export async function retireJobWebhooks(
  { tenant }: Event,
  ids: readonly WebhookId[],
  context: JobEndContext,
): Promise<void> {
  const at = context.clock.now();
  const webhooks = { ...context, webhooks: context.directory };
  await Promise.all(
    ids.map(async (id) => {
      const done = await commandWebhook(webhooks, tenant, id, { type: 'retire', at });
      if (!done.ok && done.error.kind === 'contended') throw new Error(`webhook ${id} is written by too many at once`);
    }),
  );
}
