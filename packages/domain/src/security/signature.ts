import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Entropy } from '../ids.ts';

/** 64 hexadecimal digits of 32 random bytes, used as text (AC-03). */
export const newHexSecret = (entropy: Entropy): string => Buffer.from(entropy(32)).toString('hex');

/** HMAC-SHA256 in hex; the secret's UTF-8 bytes are the key, whatever it looks like (AC-03). */
export function hmacSha256Hex(secret: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** As headers show it that hold one signature: the newest secret's (ST-02). `secrets` are newest first. */
export function newestSignature(secrets: readonly string[], body: Uint8Array): string {
  return `sha256=${hmacSha256Hex(secrets[0] ?? '', body)}`;
}

/** Compares without telling by its duration where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
