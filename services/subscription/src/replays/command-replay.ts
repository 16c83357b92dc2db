import type { ReplayId, TenantId } from '@grapnel/domain/ids';
import { decide, type ReplayCommand, type ReplayRejection } from '@grapnel/domain/replay/decide';
import { evolve } from '@grapnel/domain/replay/evolve';
import type { Replay } from '@grapnel/domain/replay/replay';
import { err, ok, type Result } from '@grapnel/domain/result';
import { decideRecord, type RecordContext, type Records } from '../records.ts';

export interface ReplayRecords extends RecordContext {
  readonly replays: Records<Replay>;
}

export type CommandRejection = ReplayRejection | { readonly kind: 'contended' };

/**
 * Decides a command on a replay and stores what happened.
 * @throws StoreUnavailable
 */
export async function commandReplay(
  context: ReplayRecords,
  tenant: TenantId,
  id: ReplayId,
  command: ReplayCommand,
): Promise<Result<Replay, CommandRejection>> {
  const { replays } = context;
  const done = await decideRecord(context, replays, tenant, id, (replay) => decide(replay, command), evolve);
  if (!done.ok) return done;
  return done.value === null ? err({ kind: 'not_found' }) : ok(done.value.state);
}
