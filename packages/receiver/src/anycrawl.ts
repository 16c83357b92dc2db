import { createHmac, timingSafeEqual } from 'node:crypto';

/** A delivery as it arrived. */
export interface AnyCrawlDelivery {
  /** The raw body, before any parsing: parsing and printing JSON again changes its bytes. */
  readonly body: Uint8Array | string;
  /** The header `X-AnyCrawl-Signature`; absent, or given several times, is never valid. */
  readonly header: string | readonly string[] | undefined;
  /** The webhook's secret, as it was shown when the webhook was created; never hex-decoded. */
  readonly secret?: string;
  /** Several, during a rotation: any of them will do. */
  readonly secrets?: readonly string[];
}

/** Why a delivery must not be trusted. */
export type AnyCrawlRefusal =
  /** The header is not there. */
  | 'missing'
  /** It is not `sha256=` and 64 hexadecimal digits. */
  | 'malformed'
  /** It was signed with another secret, or the body is not what was sent. */
  | 'mismatch';

export type AnyCrawlVerification =
  | { readonly valid: true }
  | { readonly valid: false; readonly reason: AnyCrawlRefusal };

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/**
 * Says whether a delivery came from whoever knows the secret, unchanged.
 *
 * @example
 * ```ts
 * const checked = verifyAnyCrawl({ body, header: request.headers['x-anycrawl-signature'], secret });
 * if (!checked.valid) return response.writeHead(401).end(checked.reason);
 * ```
 * @throws TypeError when no secret is given, or an empty one: everybody could sign with that
 */
export function verifyAnyCrawl({ body, header, secret, secrets }: AnyCrawlDelivery): AnyCrawlVerification {
  const candidates = [...(secret === undefined ? [] : [secret]), ...(secrets ?? [])];
  if (candidates.length === 0 || candidates.includes('')) throw new TypeError('a secret is needed to verify with');
  if (header === undefined || header === '') return { valid: false, reason: 'missing' };
  const hex = typeof header === 'string' ? SIGNATURE.exec(header.trim())?.[1] : undefined;
  if (hex === undefined) return { valid: false, reason: 'malformed' };
  const presented = Buffer.from(hex, 'hex');
  // Every secret is tried, whichever fits: the duration tells nothing about which one is in use.
  let valid = false;
  for (const candidate of candidates) {
    const expected = createHmac('sha256', candidate).update(body).digest();
    if (timingSafeEqual(expected, presented)) valid = true;
  }
  return valid ? { valid } : { valid, reason: 'mismatch' };
}
