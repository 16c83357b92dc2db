import { type Entropy, newReplayId, type TenantId, type WebhookId } from '@grapnel/domain/ids';
import { type FilterInput, hasForm } from '@grapnel/domain/replay/check-filter';
import { decide } from '@grapnel/domain/replay/decide';
import { isUnderWay, type Replay } from '@grapnel/domain/replay/replay';
import { err, type Result } from '@grapnel/domain/result';
import { type Violation, violation } from '@grapnel/domain/violation';
import type { Directory } from '../directory.ts';
import type { KnownTypes } from '../event-types/known-types.ts';
import { type CommandRejection, commandReplay } from './command-replay.ts';
import { type TurnContext, type TurnRejection, takeTurn } from './turn.ts';

export interface CreateContext extends TurnContext {
  readonly directory: Directory;
  readonly known: Pick<KnownTypes, 'hasEverHad'>;
  readonly entropy: Entropy;
}

export type CreateRejection =
  | CommandRejection
  | { readonly kind: 'webhook_not_found' }
  | { readonly kind: 'webhook_inactive' }
  | TurnRejection
  | { readonly kind: 'too_many' };

/** Replays of one tenant that are under way. */
export const MAX_UNDER_WAY = 20;

/**
 * Makes the record of a replay; whichever process is free works on it.
 * @throws StoreUnavailable
 */
export async function createReplay(
  context: CreateContext,
  tenant: TenantId,
  webhookId: WebhookId,
  asked: { readonly filter: FilterInput; readonly ratePerSecond: number },
): Promise<Result<Replay, CreateRejection>> {
  const { directory, replays, clock, entropy, known } = context;
  await directory.caughtUp();
  const found = directory.ofTenant(tenant, webhookId);
  if (found === null) return err({ kind: 'webhook_not_found' });
  const at = clock.now();
  const id = newReplayId(at, entropy);
  const violations = typeViolations(asked.filter.eventTypes, known);
  const request = { type: 'request', at, id, tenant, webhookId, ...asked, violations } as const;
  // First: what is refused anyway must not hold the turn.
  const decided = decide(null, request);
  if (!decided.ok) return decided;
  if (found.webhook.status.kind !== 'active') return err({ kind: 'webhook_inactive' });
  const underWay = replays.of(tenant).filter(({ state }) => isUnderWay(state));
  const same = underWay.find(({ state }) => state.webhookId === webhookId);
  if (same !== undefined) return err({ kind: 'under_way', id: same.id });
  if (underWay.length >= MAX_UNDER_WAY) return err({ kind: 'too_many' });
  const turn = await takeTurn(context, { id, tenant, webhookId });
  return turn.ok ? commandReplay(context, tenant, id, request) : turn;
}

/** What has the form of a type and names none would find nothing, and look like a replay that had nothing to do. */
function typeViolations(types: readonly string[], known: Pick<KnownTypes, 'hasEverHad'>): Violation[] {
  return types.flatMap((type, i) => {
    if (!hasForm(type) || known.hasEverHad(type)) return [];
    const shown = JSON.stringify(type.slice(0, 64));
    return [violation(`event_types[${i}]`, 'INVALID_VALUE', `names no event type that there is or was (${shown})`)];
  });
}
