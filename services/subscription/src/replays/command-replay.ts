import type { ReplayId, TenantId } from '@grapnel/domain/ids';
import { decide, type ReplayCommand, type ReplayRejection } from '@grapnel/domain/replay/decide';
import { evolve } from '@grapnel/domain/replay/evolve';
import type { Replay, ReplayEvent } from '@grapnel/domain/replay/replay';
import { err, ok, type Result } from '@grapnel/domain/result';
import { appendRecord, type RecordContext, type Records } from '../records.ts';

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
  const done = await appendRecord<ReplayEvent, Replay, ReplayRejection>(
    context,
    context.replays,
    tenant,
    id,
    (replay) => {
      const decided = decide(replay, command);
      if (!decided.ok) return decided;
      return ok(decided.value === null ? null : { event: decided.value, state: evolve(replay, decided.value) });
    },
  );
  if (!done.ok) return done;
  return done.value === null ? err({ kind: 'not_found' }) : ok(done.value.state);
}
