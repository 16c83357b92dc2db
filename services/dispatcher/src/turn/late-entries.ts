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
 * Messages that come after their deliveries were taken care of: entries of a lane out of which a delivery was called, and what
 * a process that crashed had not acknowledged. This process knows what it has sent; what was sent by another is asked of the
 * history. Without an answer an entry is taken as it comes: then a
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
    const found = await inHistory(query, tenant, id);
    return found !== undefined && isPast(found, turn);
  }

  /**
   * Whether a message that comes again is of a delivery that has come to its end: whoever had it before may have ended between
   * storing that and saying so. One that was to be tried again is not over: its entry may be what is missing.
   */
  async hasEnded({ id, tenant }: StoredDelivery, turn: Turn): Promise<boolean> {
    const { query } = this.#context;
    const found = query === null ? undefined : await inHistory(query, tenant, id);
    if (found === undefined) return false;
    return Number(found.round) > turn.round || (Number(found.round) === turn.round && !isWaiting(found));
  }
}

async function inHistory(query: Channel, tenant: string, deliveryId: string): Promise<Delivery | undefined> {
  const options = { metadata: { 'grapnel-tenant': tenant }, timeoutMs: WITHIN_MS };
  const found = await query
    .client(QueryService)
    .getDelivery({ deliveryId }, options)
    .catch(() => null);
  return found?.delivery;
}

const isWaiting = ({ status }: Delivery): boolean =>
  status === DeliveryStatus.PENDING || status === DeliveryStatus.RETRYING;

function isPast(found: Delivery, turn: Turn): boolean {
  if (Number(found.round) !== turn.round) return Number(found.round) > turn.round;
  return !isWaiting(found) || found.attemptNumber >= turn.attempt;
}
