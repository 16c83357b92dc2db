import { postponedMs } from '@grapnel/domain/retry';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Feedback } from '../endpoint/gate.ts';
import type { AttemptResult } from '../ports.ts';

/** Too many requests, and unavailable: the answers that ask for less. */
const ASKS_FOR_LESS = new Set([429, 503]);

const ANSWERED: Feedback = { kind: 'answered' };
const NO_ANSWER: Feedback = { kind: 'no_answer' };
const NOT_SENT: Feedback = { kind: 'not_sent' };

/** What an attempt tells the gate of its endpoint. How long to stay away is heard where the profile listens (ST-03). */
export function feedbackOf({ result, response }: AttemptResult, { profile }: Endpoint, now: number): Feedback {
  switch (result.kind) {
    case 'blocked':
      return NOT_SENT;
    case 'no_response':
      return NO_ANSWER;
    case 'response': {
      if (!ASKS_FOR_LESS.has(result.status)) return ANSWERED;
      const asked = profile.honoursRetryAfter ? response?.headers['retry-after'] : undefined;
      return { kind: 'refused', retryAfterMs: postponedMs(result.status, asked, now) };
    }
  }
}
