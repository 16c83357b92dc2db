import type { Aggregate } from '@grapnel/contracts/aggregate-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { isUnderWay, type Replay } from '@grapnel/domain/replay/replay';
import type { TriggerState } from '@grapnel/domain/trigger/trigger';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import type { Directory } from './directory.ts';
import type { ReplayTurn } from './replays/turn.ts';

export interface TombstonesContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * How long it is remembered that something was deleted. Longer than EVENTS and OUTCOMES keep anything: by then there is
   * no event that speaks of it, no watcher or replica that was away since and could still be right about anything else,
   * and a projector that never heard of the deletion has no outcome left that is newer than its rows, which age out.
   */
  readonly keepMs: number;
}

/** What is over, and the position of the message that says so. */
interface Tombstone extends Aggregate {
  readonly revision: number;
}

const SWEEP_MS = 600_000;

/** Forgets what was deleted long ago, until `signal` aborts; without this WEBHOOKS and memory would only ever grow. */
export async function sweepTombstones(context: TombstonesContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await forgetDeleted(context, signal).catch((error: unknown) => {
      if (!signal.aborted) context.logger.warn({ err: error }, 'tombstones are left for later');
    });
    await context.clock.sleep(SWEEP_MS, signal).catch(() => {});
  }
}

/**
 * Each replica does it for itself: first the stream, then its memory, so that a command never meets a message that it does
 * not know of. What another replica has made under the same id since is newer than `revision`, and stays.
 */
export async function forgetDeleted(
  { directory, streams, names, clock, keepMs }: TombstonesContext,
  signal: AbortSignal,
): Promise<void> {
  const old = [...tombstones(directory, clock.now() - keepMs)];
  if (old.length === 0) return;
  // Who catches up waits for the last message, so that must be one that can be read.
  const { lastSequence } = await streams.state(names.streams.webhooks);
  for (const { tenant, kind, id, revision } of old) {
    if (signal.aborted) return;
    if (revision >= lastSequence) continue;
    await streams.purge(names.streams.webhooks, names.subjects.aggregate(tenant, kind, id), revision);
    directory.forget({ tenant, kind, id }, revision);
  }
}

function* tombstones(directory: Directory, before: number): Generator<Tombstone> {
  for (const [id, { state, revision }] of directory.all()) {
    if (state.kind !== 'deleted' || !state.purged || state.at > before) continue;
    yield { tenant: state.tenant, kind: 'webhook', id, revision };
  }
  for (const { tenant, id, state, revision } of directory.records<TriggerState>('trigger').all()) {
    if (state.kind === 'deleted' && state.at <= before) yield { tenant, kind: 'trigger', id, revision };
  }
  // What is left of a webhook's replays means nothing to anybody when the webhook is gone.
  const isGone = (tenant: TenantId, webhook: WebhookId): boolean => directory.ofTenant(tenant, webhook) === null;
  for (const { tenant, id, state, revision } of directory.records<Replay>('replay').all()) {
    if (isUnderWay(state) || state.createdAt > before || !isGone(tenant, state.webhookId)) continue;
    yield { tenant, kind: 'replay', id, revision };
  }
  for (const { tenant, id, state, revision } of directory.records<ReplayTurn>('replay_turn').all()) {
    if (state.at > before || !isGone(tenant, id as WebhookId)) continue;
    yield { tenant, kind: 'replay_turn', id, revision };
  }
}
