import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA256 in hex; the secret's UTF-8 bytes are the key, whatever it looks like (AC-03). */
export function hmacSha256Hex(secret: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** Compares without telling by its duration where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
