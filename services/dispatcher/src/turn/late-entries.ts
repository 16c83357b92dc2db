import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Delivery, DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import type { Clock } from '@grapnel/runtime/clock';
import { Semaphore } from '@grapnel/runtime/semaphore';

export interface LateEntriesContext {
  /** To the delivery history; `null`: nothing is known to be late. */
  readonly query: Channel | null;
  /** Since when a webhook's deliveries are sent by this process. */
  readonly ownedSince: (webhook: WebhookId) => number;
  /** When what waited for a webhook was last called out of the lanes. */
  readonly wokenAt: (webhook: WebhookId) => number;
  readonly clock: Clock;
  readonly timeScale: number;
}

/** What waited less was not called by anybody meanwhile. */
const LONG_MS = 30_000;
/** Other processes' clocks may differ by so much. */
const SKEW_MS = 5_000;
const WITHIN_MS = 2_000;
/** Questions under way about retries, which are rarely late; many are due at once after a start. */
const MAX_ABOUT_RETRIES = 64;

/**
 * Messages that come after their deliveries were taken care of: entries of a lane out of which a delivery was called, retries of
 * what was replayed meanwhile, and what a process that crashed had not acknowledged. This process knows what it has sent; what
 * was sent by another is asked of the history. Without an answer an entry is taken as it comes: then a delivery may arrive twice.
 */
export class LateEntries {
  readonly #context: LateEntriesContext;
  readonly #aboutRetries = new Semaphore(MAX_ABOUT_RETRIES);

  constructor(context: LateEntriesContext) {
    this.#context = context;
  }

  /**
   * Whether the turn was taken, or a replay took over, since the delivery was put into the lanes. `returning`: it was sent away
   * from its endpoint's gate, and may have been called.
   */
  async isTaken(
    { id, tenant, webhookId }: StoredDelivery,
    turn: Turn,
    { sentAwayAt, returning }: { readonly sentAwayAt: number; readonly returning: boolean },
  ): Promise<boolean> {
    const { query, ownedSince, wokenAt, clock, timeScale } = this.#context;
    if (query === null || clock.now() - sentAwayAt < LONG_MS / timeScale) return false;
    // What was called may have been sent longer ago than this process remembers.
    const called = sentAwayAt < wokenAt(webhookId) + SKEW_MS;
    if (!called && sentAwayAt > ownedSince(webhookId) + SKEW_MS) return false;
    if (!returning && !this.#aboutRetries.tryAcquire()) return false;
    const found = await inHistory(query, tenant, id).finally(() => {
      if (!returning) this.#aboutRetries.release();
    });
    return found !== undefined && isPast(found, turn);
  }

  /**
   * What became of a turn whose message comes again: whoever had it before may have ended between storing what came of it and
   * saying so, and also before the entry for the next turn was stored.
   */
  async whatBecameOf({ id, tenant }: StoredDelivery, turn: Turn): Promise<Became> {
    const { query } = this.#context;
    const found = query === null ? undefined : await inHistory(query, tenant, id);
    if (found === undefined) return { kind: 'unknown' };
    const { status, attemptNumber, nextAttemptAt } = found;
    const round = Number(found.round);
    if (round !== turn.round) return { kind: round > turn.round ? 'over' : 'unknown' };
    if (!isWaiting(found) || attemptNumber > turn.attempt) return { kind: 'over' };
    if (status !== DeliveryStatus.RETRYING || attemptNumber < turn.attempt) return { kind: 'unknown' };
    return nextAttemptAt === undefined
      ? { kind: 'unknown' }
      : { kind: 'to_be_retried', at: timestampMs(nextAttemptAt) };
  }
}

/** What the history knows of a turn. */
export type Became =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'over' }
  /** It was taken; the entry for the next turn may be missing. */
  | { readonly kind: 'to_be_retried'; readonly at: number };

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
