import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { ok } from '@grapnel/domain/result';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import { append } from './command-webhook.ts';
import type { Directory } from './directory.ts';

export interface PurgeContext {
  readonly webhooks: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An attempt that was under way at the deletion still writes its outcome: purge once more when the longest must be over. */
const LATE_WRITES_MS = 90_000;
const SWEEP_MS = 15_000;

/** Removes what the streams hold of a webhook: bodies, outcomes, due retries (AC-07). References in lanes end when due. */
export async function purgeStreams(streams: EventStreams, names: Topology, id: WebhookId): Promise<void> {
  await Promise.all([
    streams.purge(names.streams.deliveries, names.subjects.delivery(id)),
    streams.purge(names.streams.outcomes, names.subjects.outcome(id)),
    streams.purge(names.streams.retries, names.subjects.due(id)),
    streams.purge(names.streams.retries, names.subjects.bulk(id)),
  ]);
}

/**
 * Finishes deletions, until `signal` aborts. What is left to do is read from the state alone, so that a crash between a
 * deletion and its purge is made good by whichever replica looks next.
 */
export async function sweepDeleted(context: PurgeContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const [id, { state }] of context.webhooks.all()) {
      if (signal.aborted) return;
      if (state.kind !== 'deleted' || state.purged || context.clock.now() < state.at + LATE_WRITES_MS) continue;
      await finish(context, state.tenant, id).catch((error: unknown) => {
        context.logger.warn({ err: error, webhook: id }, 'a deleted webhook could not be purged; trying again later');
      });
    }
    await context.clock.sleep(SWEEP_MS, signal).catch(() => {});
  }
}

async function finish(context: PurgeContext, tenant: TenantId, id: WebhookId): Promise<void> {
  await purgeStreams(context.streams, context.names, id);
  await append(context, tenant, id, (state) =>
    ok(state.kind === 'deleted' && !state.purged ? { type: 'purged', at: context.clock.now() } : null),
  );
}
