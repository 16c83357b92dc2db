import type { ReplayId } from '@grapnel/domain/ids';
import { isUnderWay, type Replay } from '@grapnel/domain/replay/replay';
import { err, ok, type Result } from '@grapnel/domain/result';
import type { Clock } from '@grapnel/runtime/clock';
import { appendRecord, type Records } from '../records.ts';
import type { ReplayRecords } from './command-replay.ts';

/** Which replay of a webhook may be under way; kept under the webhook's id. */
export interface ReplayTurn {
  readonly replay: ReplayId;
  readonly at: number;
}

interface TurnTaken extends ReplayTurn {
  readonly type: 'turn_taken';
}

export interface TurnContext extends ReplayRecords {
  readonly turns: Records<ReplayTurn>;
  readonly clock: Clock;
}

export type TurnRejection = { readonly kind: 'under_way'; readonly id: string } | { readonly kind: 'contended' };

/** How long a turn is kept for a replay whose record is not there: whoever took it stores that next, or went away. */
const RESERVED_MS = 30_000;

/**
 * One bulk replay at a time for each webhook: of two, the newer would take deliveries from the older. The turn is one
 * record of its own, so that of all who want it at once, in whichever replica, the stream lets one be first.
 * @throws StoreUnavailable
 */
export async function takeTurn(
  context: TurnContext,
  { id, tenant, webhookId }: Pick<Replay, 'id' | 'tenant' | 'webhookId'>,
): Promise<Result<null, TurnRejection>> {
  const { replays, turns, clock } = context;
  const taken = await appendRecord<TurnTaken, ReplayTurn, TurnRejection>(context, turns, tenant, webhookId, (turn) => {
    const at = clock.now();
    if (turn?.replay === id) return ok(null);
    if (turn !== null && isKept(turn)) return err({ kind: 'under_way', id: turn.replay });
    return ok({ event: { type: 'turn_taken', replay: id, at }, state: { replay: id, at } });

    function isKept({ replay, at: since }: ReplayTurn): boolean {
      const found = replays.find(tenant, replay);
      return found === null ? at - since < RESERVED_MS : isUnderWay(found.state);
    }
  });
  return taken.ok ? ok(null) : taken;
}
