import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Entropy } from '../ids.ts';

/** How a Standard Webhooks secret signs: `v1` is symmetric (`whsec_…`), `v1a` asymmetric (`whsk_…`). */
export type SignatureScheme = 'v1' | 'v1a';

const SYMMETRIC = 'whsec_';
const PRIVATE = 'whsk_';
const PUBLIC = 'whpk_';

// PKCS #8 of an Ed25519 key is this prefix and the seed of 32 bytes.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A new secret. `whsk_` holds seed and public key, 64 bytes, as the specification's libraries expect. */
export function newStandardSecret(scheme: SignatureScheme, entropy: Entropy): string {
  if (scheme === 'v1') return SYMMETRIC + Buffer.from(entropy(32)).toString('base64');
  const seed = entropy(32);
  return PRIVATE + Buffer.concat([seed, rawPublicKey(privateKey(seed))]).toString('base64');
}

/** What a receiver verifies `v1a` with; `null` for a symmetric secret. */
export function publicKeyOf(secret: string): string | null {
  if (!secret.startsWith(PRIVATE)) return null;
  return PUBLIC + seedAndPublicKey(secret).subarray(32).toString('base64');
}

/** `v1,…` or `v1a,…` over `id.timestamp.body`; `timestamp` in seconds (ST-01). */
export function standardSignature(secret: string, id: string, timestamp: number, body: Uint8Array): string {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  if (secret.startsWith(PRIVATE)) {
    return `v1a,${sign(null, signed, cachedKey(secret)).toString('base64')}`;
  }
  const key = secret.startsWith(SYMMETRIC) ? Buffer.from(secret.slice(SYMMETRIC.length), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

const seedAndPublicKey = (secret: string): Buffer => Buffer.from(secret.slice(PRIVATE.length), 'base64');

const privateKey = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });

const rawPublicKey = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);

/** Parsing a key costs more than signing with it. */
const MAX_CACHED = 10_000;
const keys = new Map<string, KeyObject>();

function cachedKey(secret: string): KeyObject {
  let key = keys.get(secret);
  if (key === undefined) {
    key = privateKey(seedAndPublicKey(secret).subarray(0, 32));
    if (keys.size >= MAX_CACHED) keys.clear();
    keys.set(secret, key);
  }
  return key;
}
