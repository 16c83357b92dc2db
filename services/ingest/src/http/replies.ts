import { unreachable } from '@grapnel/domain/result';
import type { Accepted, Outcome } from '../outcome.ts';
import { Refusal } from './refusal.ts';

/** The event that was stored; every other outcome is thrown as what the caller is told. */
export function acceptedOrRefused(outcome: Outcome): { event_id: string; duplicate: boolean } {
  const { eventId, duplicate } = acceptedOrThrow(outcome);
  return { event_id: eventId, duplicate };
}

function acceptedOrThrow(outcome: Outcome): Accepted {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
    case 'invalid':
      throw Refusal.invalid(outcome.violations);
    case 'busy':
      throw new Refusal(429, outcome.message, { retryAfterMs: outcome.retryAfterMs });
    case 'unavailable':
      throw new Refusal(503, outcome.message, { retryAfterMs: outcome.retryAfterMs });
    case 'refused':
      throw new Refusal(500, outcome.message);
    default:
      return unreachable(outcome);
  }
}
