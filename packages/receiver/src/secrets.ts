import type { Secrets } from './verification.ts';

/**
 * Every secret that will do.
 * @throws TypeError when there is none, or an empty one: everybody could sign with that
 */
export function secretsOf({ secret, secrets }: Secrets): readonly string[] {
  const candidates = [...(secret === undefined ? [] : [secret]), ...(secrets ?? [])];
  if (candidates.length === 0 || candidates.includes('')) throw new TypeError('a secret is needed to verify with');
  return candidates;
}
