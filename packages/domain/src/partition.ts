/** FNV-1a, 32 bits: spreads ids well enough and is the same in every process. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // A final mix (murmur3's) because FNV leaves the low bits of similar texts alike.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** Which of `count` partitions a webhook's deliveries, retries and outcomes are in. */
export function partitionOf(webhookId: string, count: number): number {
  return fnv1a(webhookId) % count;
}

/** Rendezvous hashing: when a member comes or goes, only its own share of keys moves. */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let best = -1;
  for (const member of members) {
    const score = fnv1a(`${member}\n${key}`);
    if (score > best || (score === best && owner !== undefined && member < owner)) {
      best = score;
      owner = member;
    }
  }
  return owner;
}
