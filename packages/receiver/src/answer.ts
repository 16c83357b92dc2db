import type { ReceiveRefusal } from './receive.ts';

/** What the adapters can find beside what a receiver finds. */
export type RequestRefusal = ReceiveRefusal | 'too_large';

/** 8 MB: more than the largest body there is, 1 MB of data rendered, escaped and enveloped. */
export const DEFAULT_MAX_BODY_BYTES = 8 * 1_048_576;

export interface BodyLimit {
  /** Default 8 MB. */
  readonly maxBodyBytes?: number;
}

/** The HTTP status to refuse a request with. */
export function statusOf(reason: RequestRefusal): 400 | 401 | 413 {
  if (reason === 'too_large') return 413;
  return reason === 'unreadable' ? 400 : 401;
}

/** The body to refuse a request with. */
export const refusalBody = (reason: RequestRefusal): string => JSON.stringify({ error: `not accepted: ${reason}` });
