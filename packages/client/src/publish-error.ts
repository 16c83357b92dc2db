import type { FieldViolation } from '@grapnel/rpc/errors';

/**
 * Why an event was not published:
 * - `invalid`: it is wrong, see `violations`; it was not stored
 * - `refused`: Grapnel will not take it (key, permission, store); see `message`
 * - `unavailable`: Grapnel did not confirm it within the time for retries; it may have been stored, and publishing it
 *   again under the same `eventId` is safe
 * - `closed`: the producer was closed before
 */
export type PublishFailure = 'invalid' | 'refused' | 'unavailable' | 'closed';

/** The rejection of `publish`. */
export class PublishError extends Error {
  readonly reason: PublishFailure;
  readonly eventId: string;
  /** Field by field, in Grapnel's spelling: `type`, `job_id`, `data` …; empty unless `invalid`. */
  readonly violations: readonly FieldViolation[];

  constructor(
    reason: PublishFailure,
    eventId: string,
    message: string,
    more: ErrorOptions & { readonly violations?: readonly FieldViolation[] } = {},
  ) {
    super(message, more);
    this.name = 'PublishError';
    this.reason = reason;
    this.eventId = eventId;
    this.violations = more.violations ?? [];
  }
}
