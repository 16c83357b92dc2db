import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { TRACEPARENT } from '@grapnel/contracts/message';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { encodeDueEntry } from '@grapnel/contracts/retry-codec';
import type { Topology } from '@grapnel/contracts/topology';
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

/**
 * Sends a delivery again: a new round of attempts with the same bytes (AC-13). The due entry is stored first: a crash
 * between the two writes leaves a replay that happens and shows up with its first attempt, never one that is shown and
 * does not happen.
 * @throws StoreUnavailable
 */
export async function replayDelivery(
  { streams, names, endpoints, clock }: ReplayContext,
  { tenant, webhookId, deliveryId, sequence }: ReplayRequest,
): Promise<Result<{ readonly round: number }, ReplayRefusal>> {
  const message = await streams.get(names.streams.deliveries, sequence);
  if (message === null) return err('body_expired');
  const delivery = decodeDelivery(message);
  const matches = delivery.id === deliveryId && delivery.webhookId === webhookId && delivery.tenant === tenant;
  const endpoint = endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (!matches || typeof endpoint === 'string') return err('not_found');
  if (endpoint.inactive !== null && !delivery.test) return err('webhook_inactive');

  const round = clock.now();
  const turn = { round, attempt: 1 };
  const traceparent = message.header(TRACEPARENT) ?? null;
  await streams.publish(
    encodeDueEntry(
      { delivery, turn, dueAt: round, reason: 'replay', traceparent },
      `replay:${delivery.id}:${round}`,
      names,
    ),
  );
  await streams.publish(encodeOutcome({ kind: 'replay_requested', delivery, round, at: round }, names));
  return ok({ round });
}
