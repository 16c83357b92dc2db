import type { EventId } from '@grapnel/domain/ids';
import type { Violation } from '@grapnel/domain/violation';

/** What became of one event that a producer handed in. */
export type Outcome =
  /** Stored, now or (duplicate) before. */
  | { readonly kind: 'accepted'; readonly eventId: EventId; readonly duplicate: boolean }
  /** Not stored, and never will be as it is. */
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }
  /** Not stored: too much is under way. */
  | { readonly kind: 'busy'; readonly message: string; readonly retryAfterMs: number }
  /** Perhaps stored: the store did not confirm. */
  | { readonly kind: 'unavailable'; readonly message: string; readonly retryAfterMs: number }
  /** Not stored: the store will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly message: string };

export type Accepted = Extract<Outcome, { kind: 'accepted' }>;
