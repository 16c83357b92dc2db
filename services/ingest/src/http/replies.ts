import { unreachable } from '@grapnel/domain/result';
import { HttpProblem, retryAfter } from '@grapnel/http-edge/problem';
import type { Accepted, Outcome } from '../outcome.ts';

/** The event that was stored; every other outcome is thrown as what the caller is told. */
export function acceptedOrProblem(outcome: Outcome): Accepted {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
    case 'invalid':
      throw HttpProblem.invalid(outcome.violations);
    case 'busy':
      throw new HttpProblem(429, { error: outcome.message }, { retryAfterSeconds: retryAfter(outcome.retryAfterMs) });
    case 'unavailable':
      throw new HttpProblem(503, { error: outcome.message }, { retryAfterSeconds: retryAfter(outcome.retryAfterMs) });
    case 'refused':
      throw new HttpProblem(409, { error: outcome.message });
    default:
      return unreachable(outcome);
  }
}
