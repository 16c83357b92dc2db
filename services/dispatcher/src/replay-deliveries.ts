import type { TenantId } from '@grapnel/domain/ids';
import { findReplayable, type ReplayContext, type ReplayRefusal, storeReplay } from './replay-delivery.ts';

/** Deliveries that may be asked for together. */
export const MAX_TOGETHER = 500;
/** Of these so many are read and written at once. */
const AT_ONCE = 32;

export interface BulkReplayRequest {
  readonly tenant: TenantId;
  readonly webhookId: string;
  /** Given, so that asking again makes no further sending. */
  readonly round: number;
  readonly bulk: boolean;
  readonly deliveries: readonly { readonly deliveryId: string; readonly sequence: number }[];
}

/**
 * Sends many deliveries of one webhook again (AC-13).
 * @throws StoreUnavailable
 */
export async function replayDeliveries(
  context: ReplayContext,
  request: BulkReplayRequest,
): Promise<('queued' | ReplayRefusal)[]> {
  const results: ('queued' | ReplayRefusal)[] = [];
  for (let at = 0; at < request.deliveries.length; at += AT_ONCE) {
    const some = request.deliveries.slice(at, at + AT_ONCE);
    results.push(...(await Promise.all(some.map((one) => replayOne(context, request, one)))));
  }
  return results;
}

async function replayOne(
  context: ReplayContext,
  { tenant, webhookId, round, bulk }: BulkReplayRequest,
  one: BulkReplayRequest['deliveries'][number],
): Promise<'queued' | ReplayRefusal> {
  const found = await findReplayable(context, { tenant, webhookId, ...one });
  if (!found.ok) return found.error;
  const { delivery } = found.value;
  const endpoint = context.endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (endpoint === 'gone') return 'not_found';
  // What this process does not know yet, or cannot read, is for the turn itself to wait for.
  if (typeof endpoint !== 'string' && endpoint.inactive !== null && !delivery.test) return 'webhook_inactive';
  await storeReplay(context, found.value, { round, at: context.clock.now(), bulk });
  return 'queued';
}
