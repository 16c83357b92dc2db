import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { TRACEPARENT } from '@grapnel/contracts/message';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { encodeBulkEntry, encodeDueEntry } from '@grapnel/contracts/retry-codec';
import type { TenantId } from '@grapnel/domain/ids';
import type { ReplayContext, ReplayRefusal } from './replay-delivery.ts';

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
 * Sends many deliveries of one webhook again (AC-13). For each the entry is stored before the outcome, as for a single
 * one; the ids of both follow from delivery and round.
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
  { streams, names, endpoints, clock }: ReplayContext,
  { tenant, webhookId, round, bulk }: BulkReplayRequest,
  { deliveryId, sequence }: BulkReplayRequest['deliveries'][number],
): Promise<'queued' | ReplayRefusal> {
  const message = await streams.get(names.streams.deliveries, sequence);
  if (message === null) return 'body_expired';
  const delivery = decodeDelivery(message);
  if (delivery.id !== deliveryId || delivery.webhookId !== webhookId || delivery.tenant !== tenant) return 'not_found';
  const endpoint = endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (endpoint === 'gone') return 'not_found';
  // What this process does not know yet, or cannot read, is for the turn itself to wait for.
  if (typeof endpoint !== 'string' && endpoint.inactive !== null && !delivery.test) return 'webhook_inactive';
  const entry = {
    delivery,
    turn: { round, attempt: 1 },
    dueAt: round,
    reason: 'replay',
    traceparent: message.header(TRACEPARENT) ?? null,
  } as const;
  await streams.publish((bulk ? encodeBulkEntry : encodeDueEntry)(entry, `replay:${delivery.id}:${round}`, names));
  await streams.publish(encodeOutcome({ kind: 'replay_requested', delivery, round, at: clock.now() }, names));
  return 'queued';
}
