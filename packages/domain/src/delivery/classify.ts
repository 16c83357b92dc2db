import { unreachable } from '../result.ts';

/** What one HTTP request came to, as the sender saw it. */
export type SendResult =
  | { readonly kind: 'response'; readonly status: number }
  /** No answer, or none in time: connection errors, DNS, TLS, time-outs. */
  | { readonly kind: 'no_response'; readonly code: string }
  /** The egress guard refused the address. */
  | { readonly kind: 'blocked' };

export type Verdict = 'success' | 'retryable' | 'final';

/** Any answer but 2xx is tried again, a blocked address alone is not (FC-08, GG-05). */
export function classifyNon2xx(result: SendResult): Verdict {
  switch (result.kind) {
    case 'response':
      return result.status >= 200 && result.status < 300 ? 'success' : 'retryable';
    case 'no_response':
      return 'retryable';
    case 'blocked':
      return 'final';
    default:
      return unreachable(result);
  }
}

/**
 * AnyCrawl's rules (AC-16): 2xx succeeds, 4xx is final, all else is tried again. A redirect is never followed; a
 * blocked address stays blocked (AC-20).
 */
export function classifyStrict4xx(result: SendResult): Verdict {
  const isFinal = result.kind === 'response' && result.status >= 400 && result.status < 500;
  return isFinal ? 'final' : classifyNon2xx(result);
}
