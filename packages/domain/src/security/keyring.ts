import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Entropy } from '../ids.ts';

/** Keys of 32 bytes by id; the first seals, all open: rotation puts a new key in front. */
export interface KeyRing {
  readonly primary: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

/** Parses `id:base64,id:base64`; throws with the position, never with the key. */
export function parseKeyRing(text: string): KeyRing {
  const keys = new Map<string, Uint8Array>();
  let primary = '';
  text.split(',').forEach((part, i) => {
    const colon = part.indexOf(':');
    const id = part.slice(0, colon).trim();
    const key = Buffer.from(part.slice(colon + 1).trim(), 'base64');
    if (colon < 1 || !KEY_ID.test(id) || key.byteLength !== 32) {
      throw new Error(`key ${i + 1} of the key ring must be "id:base64 of 32 bytes"`);
    }
    keys.set(id, key);
    primary ||= id;
  });
  return { primary, keys };
}

/** AES-256-GCM; `owner` is authenticated with it, so that a sealed secret can't be moved to another aggregate. */
export function seal(ring: KeyRing, owner: string, secret: string, entropy: Entropy): string {
  const key = ring.keys.get(ring.primary);
  if (key === undefined) throw new Error('the key ring has no primary key');
  const iv = entropy(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner));
  const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${ring.primary}.${Buffer.from(iv).toString('base64url')}.${body.toString('base64url')}`;
}

/** Opens what {@link seal} made; throws when the key is unknown or anything was changed, without saying what was inside. */
export function open(ring: KeyRing, owner: string, sealed: string): string {
  const [version, id, iv, body] = sealed.split('.');
  if (version !== 'v1' || id === undefined || iv === undefined || body === undefined)
    throw new Error('not a sealed secret');
  const key = ring.keys.get(id);
  if (key === undefined) throw new Error(`the key ring has no key "${id}"`);
  const bytes = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
    .setAAD(Buffer.from(owner))
    .setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
}
