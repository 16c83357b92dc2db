import { createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { secretsOf } from './secrets.ts';
import type { Secrets } from './verification.ts';

/** Checks signatures of one version. */
export interface VerificationKey {
  readonly version: 'v1' | 'v1a';
  /** Says for each signature whether it fits what was signed. */
  fits(signed: Uint8Array, signatures: readonly Uint8Array[]): boolean;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
// An Ed25519 public key as SubjectPublicKeyInfo is this prefix and its 32 bytes.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Reads `whsec_…` (shared secret) and `whpk_…` (public key).
 * @throws TypeError for anything else; the message never contains it
 */
export function verificationKeysOf(secrets: Secrets): readonly VerificationKey[] {
  return secretsOf(secrets).map((text) => {
    const underscore = text.indexOf('_') + 1;
    const prefix = text.slice(0, underscore);
    const encoded = text.slice(underscore);
    if (prefix === 'whsk_')
      throw new TypeError('whsk_ is the private key, which stays with the sender: verify with whpk_');
    const bytes = BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0);
    if (prefix === 'whsec_' && bytes.byteLength > 0) return symmetric(bytes);
    if (prefix === 'whpk_' && bytes.byteLength === 32) return asymmetric(bytes);
    throw new TypeError('a secret must be whsec_ and base64, or whpk_ and the base64 of 32 bytes');
  });
}

function symmetric(key: Buffer): VerificationKey {
  return {
    version: 'v1',
    fits(signed, signatures) {
      const expected = createHmac('sha256', key).update(signed).digest();
      let fits = false;
      for (const signature of signatures) {
        // All of them are compared, so that the duration does not tell which one fits.
        if (signature.byteLength === expected.byteLength && timingSafeEqual(signature, expected)) fits = true;
      }
      return fits;
    },
  };
}

function asymmetric(raw: Buffer): VerificationKey {
  const key: KeyObject = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  return {
    version: 'v1a',
    fits: (signed, signatures) => signatures.some((signature) => verify(null, signed, key, signature)),
  };
}
