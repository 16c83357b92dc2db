import { MAX_DATA_BYTES } from '@grapnel/domain/event/event';
import type { Violation } from '@grapnel/domain/violation';

/** A request that gets an error for an answer; thrown by whatever finds out, written by the error handler. */
export class Refusal extends Error {
  readonly status: number;
  readonly details: readonly Violation[] | null;
  readonly retryAfterMs: number | null;

  constructor(
    status: number,
    message: string,
    more: { readonly details?: readonly Violation[]; readonly retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.details = more.details ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }

  static invalid(details: readonly Violation[]): Refusal {
    const first = details[0];
    const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
    const oversize = details.some(({ code, field }) => code === 'TOO_LARGE' && /(^|\.)data$/.test(field));
    return new Refusal(oversize ? 413 : 400, `${first?.field} ${first?.message}${more}`, { details });
  }

  static tooLarge(limitBytes: number): Refusal {
    const message = `the body is larger than ${limitBytes} bytes; data may have at most ${MAX_DATA_BYTES} (1 MB)`;
    return new Refusal(413, message);
  }
}

/** The error body that AnyCrawl clients know. */
export function bodyOf({ message, details }: Refusal): Record<string, unknown> {
  if (details === null) return { success: false, error: message };
  return {
    success: false,
    error: 'Validation error',
    message,
    details: details.map(({ field, message: text, code }) => ({ field, message: text, code })),
  };
}
