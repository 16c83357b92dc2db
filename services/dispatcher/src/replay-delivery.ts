import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { TRACEPARENT } from '@grapnel/contracts/message';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { encodeBulkEntry, encodeDueEntry } from '@grapnel/contracts/retry-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { TenantId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import type { Endpoints } from './ports.ts';

export interface ReplayContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
}

export interface ReplayRequest {
  readonly tenant: TenantId;
  readonly webhookId: string;
  readonly deliveryId: string;
  /** Position in DELIVERIES. */
  readonly sequence: number;
}

export type ReplayRefusal = 'not_found' | 'body_expired' | 'webhook_inactive';

/** The delivery that is asked for, with what is needed to send it again. */
export interface Replayable {
  readonly delivery: StoredDelivery;
  readonly traceparent: string | null;
}

/** Reads the delivery at its position and sees that it is the one that is meant. */
export async function findReplayable(
  { streams, names }: ReplayContext,
  { tenant, webhookId, deliveryId, sequence }: ReplayRequest,
): Promise<Result<Replayable, ReplayRefusal>> {
  const message = await streams.get(names.streams.deliveries, sequence);
  if (message === null) return err('body_expired');
  const delivery = decodeDelivery(message);
  const matches = delivery.id === deliveryId && delivery.webhookId === webhookId && delivery.tenant === tenant;
  return matches ? ok({ delivery, traceparent: message.header(TRACEPARENT) ?? null }) : err('not_found');
}

/**
 * Stores that a delivery is to be sent again. The entry is stored first: a crash between the two writes leaves a replay
 * that happens and shows up with its first attempt, never one that is shown and does not happen. The ids of both follow
 * from delivery and round.
 * @throws StoreUnavailable
 */
export async function storeReplay(
  { streams, names }: ReplayContext,
  { delivery, traceparent }: Replayable,
  { round, at, bulk }: { readonly round: number; readonly at: number; readonly bulk: boolean },
): Promise<void> {
  const entry = { delivery, turn: { round, attempt: 1 }, dueAt: round, reason: 'replay', traceparent } as const;
  await streams.publish((bulk ? encodeBulkEntry : encodeDueEntry)(entry, `replay:${delivery.id}:${round}`, names));
  await streams.publish(encodeOutcome({ kind: 'replay_requested', delivery, round, at }, names));
}

/**
 * Sends a delivery again: a new round of attempts with the same bytes (AC-13).
 * @throws StoreUnavailable
 */
export async function replayDelivery(
  context: ReplayContext,
  request: ReplayRequest,
): Promise<Result<{ readonly round: number }, ReplayRefusal>> {
  const found = await findReplayable(context, request);
  if (!found.ok) return found;
  const { delivery } = found.value;
  const endpoint = context.endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (typeof endpoint === 'string') return err('not_found');
  if (endpoint.inactive !== null && !delivery.test) return err('webhook_inactive');
  const round = context.clock.now();
  await storeReplay(context, found.value, { round, at: round, bulk: false });
  return ok({ round });
}
