import { createHmac, timingSafeEqual } from 'node:crypto';
import { secretsOf } from './secrets.ts';
import { refused, type SignedDelivery, VALID, type Verification } from './verification.ts';

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/**
 * `sha256=` and the HMAC-SHA256 of the raw body in hex; the key is the secret's text.
 * @throws TypeError when no secret is given, or an empty one
 */
export function verifyHexHmac(delivery: SignedDelivery): Verification {
  const { body, header } = delivery;
  const candidates = secretsOf(delivery);
  if (header === undefined || header === '') return refused('missing');
  const hex = typeof header === 'string' ? SIGNATURE.exec(header.trim())?.[1] : undefined;
  if (hex === undefined) return refused('malformed');
  const presented = Buffer.from(hex, 'hex');
  // Every secret is tried, whichever fits: the duration tells nothing about which one is in use.
  let valid = false;
  for (const candidate of candidates) {
    const expected = createHmac('sha256', candidate).update(body).digest();
    if (timingSafeEqual(expected, presented)) valid = true;
  }
  return valid ? VALID : refused('mismatch');
}
