import { createHmac, type KeyObject, sign as signEd25519 } from 'node:crypto';
import type { Verification } from './verification.ts';

export const SECRET = 'ab'.repeat(32);
export const NOW = Date.UTC(2026, 0, 27, 10);
export const NOW_ISO = '2026-01-27T10:00:00.000Z';

export const hexHmac = (body: string | Uint8Array, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** `key` is the secret's bytes, or the private key. */
export function standardSignature(key: Uint8Array | KeyObject, id: string, timestamp: string, body: string): string {
  const signed = Buffer.from(`${id}.${timestamp}.${body}`);
  if (key instanceof Uint8Array) return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return `v1a,${signEd25519(null, signed, key).toString('base64')}`;
}

export const refusal = (reason: string): Verification => ({ valid: false, reason }) as Verification;
