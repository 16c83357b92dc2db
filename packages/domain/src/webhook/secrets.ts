import { type Violation, violation } from '../violation.ts';
import { LIMITS } from './config.ts';
import type { StoredSecret } from './webhook.ts';

/** Sealed already; the public half, where there is one, is no secret. */
export type NewSecret = Pick<StoredSecret, 'sealed' | 'publicKey'>;

/** How many secrets may sign at once: rotating faster than this retires the oldest. */
const MAX_SECRETS = 5;

/** What is wrong with how long older secrets should go on; `null` when nothing is. */
export function overlapViolation(overlapMs: number): Violation | null {
  const { min, max } = LIMITS.rotationOverlapSeconds;
  if (overlapMs >= min * 1_000 && overlapMs <= max * 1_000) return null;
  return violation('overlap_seconds', 'INVALID_VALUE', `must be a whole number of seconds from ${min} to ${max}`);
}

/** The new secret in front; the older ones go on until the overlap is over (ST-02). */
export function rotatedSecrets(
  secrets: readonly StoredSecret[],
  secret: NewSecret,
  at: number,
  overlapMs: number,
): StoredSecret[] {
  const until = at + overlapMs;
  const older = secrets
    .map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? until, until) }))
    .filter((old) => old.expiresAt > at);
  return [{ ...secret, expiresAt: null }, ...older].slice(0, MAX_SECRETS);
}
