import { type Delivery, DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import type { Clock } from '@grapnel/runtime/clock';

export interface LateEntriesContext {
  /** To the delivery history; `null`: nothing is known to be late. */
  readonly query: Channel | null;
  /** Since when a webhook's deliveries are sent by this process. */
  readonly ownedSince: (webhook: WebhookId) => number;
  readonly clock: Clock;
  readonly timeScale: number;
}

/** What waited less was not called by anybody meanwhile. */
const LONG_MS = 30_000;
/** Other processes' clocks may differ by so much. */
const SKEW_MS = 5_000;
const WITHIN_MS = 2_000;

/**
 * Entries that come out of a lane after their deliveries were called out of turn. This process knows what it has sent; what
 * was sent by another, before it took over, is asked of the history. Without an answer an entry is taken as it comes: then a
 * delivery may arrive twice.
 */
export class LateEntries {
  readonly #context: LateEntriesContext;

  constructor(context: LateEntriesContext) {
    this.#context = context;
  }

  /** Whether the turn was taken since the delivery was sent away from its endpoint's gate. */
  async isTaken({ id, tenant, webhookId }: StoredDelivery, turn: Turn, sentAwayAt: number): Promise<boolean> {
    const { query, ownedSince, clock, timeScale } = this.#context;
    if (query === null || clock.now() - sentAwayAt < LONG_MS / timeScale) return false;
    if (sentAwayAt > ownedSince(webhookId) + SKEW_MS) return false;
    const options = { metadata: { 'grapnel-tenant': tenant }, timeoutMs: WITHIN_MS };
    const found = await query
      .client(QueryService)
      .getDelivery({ deliveryId: id }, options)
      .catch(() => null);
    return found?.delivery !== undefined && isPast(found.delivery, turn);
  }
}

function isPast({ round, attemptNumber, status }: Delivery, turn: Turn): boolean {
  if (Number(round) !== turn.round) return Number(round) > turn.round;
  const isWaiting = status === DeliveryStatus.PENDING || status === DeliveryStatus.RETRYING;
  return !isWaiting || attemptNumber >= turn.attempt;
}
