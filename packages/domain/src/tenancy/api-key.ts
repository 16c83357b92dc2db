import { createHash } from 'node:crypto';
import type { ApiKeyId, TenantId } from '../ids.ts';
import { err, ok, type Result } from '../result.ts';

/** A tenant's key as stored: its hash, never the key. Keys are random, so one round of SHA-256 is enough. */
export interface ApiKey {
  readonly id: ApiKeyId;
  readonly tenant: TenantId;
  readonly name: string;
  /** SHA-256 of the key, hex. */
  readonly hash: string;
  /** First characters, to recognise it by. */
  readonly hint: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export type ApiKeyEvent =
  | { readonly type: 'key_created'; readonly at: number; readonly key: ApiKey }
  | { readonly type: 'key_revoked'; readonly at: number };

export const MIN_KEY_CHARS = 16;
export const MAX_KEY_CHARS = 256;

export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Enough to tell keys apart in a list, not enough to help a guess. */
export const hintOf = (key: string): string => `${key.slice(0, 8)}…`;

/** The four refusals of AC-01, word for word. */
export type CredentialRefusal =
  | 'No authorization header provided'
  | 'Invalid authorization header format'
  | 'Invalid API key'
  | 'API key is inactive';

/** The key in an `Authorization: Bearer …` header. */
export function bearerKey(header: string | undefined): Result<string, CredentialRefusal> {
  if (header === undefined || header === '') return err('No authorization header provided');
  const match = /^Bearer +(\S+)$/i.exec(header);
  if (match?.[1] === undefined || match[1].length > MAX_KEY_CHARS) return err('Invalid authorization header format');
  return ok(match[1]);
}

export function evolveApiKey(key: ApiKey | null, event: ApiKeyEvent): ApiKey {
  if (event.type === 'key_created') return event.key;
  if (key === null) throw new Error('a key is created before it is revoked');
  return { ...key, revokedAt: event.at };
}
