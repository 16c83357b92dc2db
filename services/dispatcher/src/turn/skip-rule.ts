import type { Delivery, Turn } from '@grapnel/domain/delivery/delivery';
import type { SkipReason } from '@grapnel/domain/delivery/outcome';
import type { Endpoint } from '../endpoint/endpoint.ts';

/**
 * Why a turn is not taken, or `null`. Tests always go out (AC-10). What was waiting when the webhook was disabled stays
 * skipped after an activation; a replay asked for since then is a new wish (AC-18).
 */
export function skipReason(endpoint: Endpoint, delivery: Delivery, turn: Turn): SkipReason | null {
  if (delivery.problem !== undefined) return 'not_renderable';
  if (delivery.test) return null;
  if (endpoint.inactive === 'auto_disabled') return 'webhook_auto_disabled';
  if (endpoint.inactive === 'deactivated') return 'webhook_deactivated';
  const askedAt = Math.max(delivery.createdAt, turn.round);
  return endpoint.lastAutoDisabledAt !== null && askedAt < endpoint.lastAutoDisabledAt ? 'webhook_auto_disabled' : null;
}
