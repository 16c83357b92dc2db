import type { Delivery, Turn } from '@grapnel/domain/delivery/delivery';
import type { SkipReason } from '@grapnel/domain/delivery/outcome';
import type { Endpoint } from '../endpoint/endpoint.ts';

/** When a turn would be taken. */
export interface Moment {
  readonly now: number;
  /** Divides every wait. */
  readonly timeScale: number;
}

/**
 * Why a turn is not taken, or `null`. Tests always go out (AC-10). What was waiting when the webhook was disabled stays
 * skipped after an activation; a replay asked for since then is a new wish (AC-18).
 */
export function skipReason(endpoint: Endpoint, delivery: Delivery, turn: Turn, moment: Moment): SkipReason | null {
  if (delivery.problem !== undefined) return 'not_renderable';
  if (delivery.test) return null;
  if (endpoint.inactive === 'auto_disabled') return 'webhook_auto_disabled';
  if (endpoint.inactive === 'deactivated') return 'webhook_deactivated';
  if (endpoint.lastAutoDisabledAt !== null && askedAt(delivery, turn) < endpoint.lastAutoDisabledAt)
    return 'webhook_auto_disabled';
  return isTooOld(endpoint, delivery, turn, moment) ? 'too_old' : null;
}

/**
 * Whether a turn taken at that moment is past the webhook's time to live. It counts from when the delivery was made, which is
 * when its event was stored; a replay begins it anew.
 */
export function isTooOld(endpoint: Endpoint, delivery: Delivery, turn: Turn, { now, timeScale }: Moment): boolean {
  const { messageTtlMs } = endpoint;
  return messageTtlMs !== null && now >= askedAt(delivery, turn) + messageTtlMs / timeScale;
}

const askedAt = (delivery: Delivery, turn: Turn): number => Math.max(delivery.createdAt, turn.round);
