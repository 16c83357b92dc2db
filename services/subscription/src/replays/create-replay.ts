import { type Entropy, newReplayId, type TenantId, type WebhookId } from '@grapnel/domain/ids';
import type { FilterInput } from '@grapnel/domain/replay/check-filter';
import { isUnderWay, type Replay } from '@grapnel/domain/replay/replay';
import { err, type Result } from '@grapnel/domain/result';
import type { Clock } from '@grapnel/runtime/clock';
import type { Directory } from '../directory.ts';
import { type CommandRejection, commandReplay, type ReplayRecords } from './command-replay.ts';

export interface CreateContext extends ReplayRecords {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export type CreateRejection =
  | CommandRejection
  | { readonly kind: 'webhook_not_found' }
  | { readonly kind: 'webhook_inactive' }
  /** One at a time for each webhook: of two, the newer would take deliveries from the older. */
  | { readonly kind: 'under_way'; readonly id: string }
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
  const { directory, replays, clock, entropy } = context;
  await directory.caughtUp();
  const found = directory.ofTenant(tenant, webhookId);
  if (found === null) return err({ kind: 'webhook_not_found' });
  if (found.webhook.status.kind !== 'active') return err({ kind: 'webhook_inactive' });
  const underWay = replays.of(tenant).filter(({ state }) => isUnderWay(state));
  const same = underWay.find(({ state }) => state.webhookId === webhookId);
  if (same !== undefined) return err({ kind: 'under_way', id: same.id });
  if (underWay.length >= MAX_UNDER_WAY) return err({ kind: 'too_many' });
  const at = clock.now();
  const id = newReplayId(at, entropy);
  return commandReplay(context, tenant, id, { type: 'request', at, id, tenant, webhookId, ...asked });
}
