/** A header as HTTP servers hand it out; absent, or given several times, is never valid. */
export type HeaderValue = string | readonly string[] | undefined;

/** Which secrets will do; at least one of the two must be given. */
export interface Secrets {
  /** As it was shown when the webhook was created (or, for Firecrawl's format, the account's); never decoded from hex. */
  readonly secret?: string;
  /** Several, during a rotation: any of them will do. */
  readonly secrets?: readonly string[];
}

/** A delivery as it arrived. */
export interface SignedDelivery extends Secrets {
  /** The raw body, before any parsing: parsing and printing JSON again may change its bytes. */
  readonly body: Uint8Array | string;
  /** The header with the signature. */
  readonly header: HeaderValue;
}

/** How far the request's time may be from now. */
export interface Freshness {
  /** In both directions; default 300. `Infinity` lets any time pass. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since the epoch; default: the system's clock. */
  readonly now?: () => number;
}

/** Why a delivery must not be trusted. */
export type Refusal =
  /** A header that is needed is not there. */
  | 'missing'
  /** A header is not what the format says, or it came twice. */
  | 'malformed'
  /** It was signed with another secret, or the body is not what was sent. */
  | 'mismatch'
  /** It is signed as it should be, but its time is too long ago: perhaps somebody sends a recorded request again. */
  | 'too_old'
  /** Its time is too far in the future: look at both clocks. */
  | 'too_new';

export type Verification = { readonly valid: true } | { readonly valid: false; readonly reason: Refusal };

export const VALID: Verification = { valid: true };

export const refused = (reason: Refusal): Verification => ({ valid: false, reason });
