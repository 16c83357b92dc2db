import { lookup } from 'node:dns/promises';
import { isPublicAddress, literalAddress } from '@grapnel/domain/security/address';
import { FORBIDDEN } from '@grapnel/domain/security/endpoint-url';
import { type Violation, violation } from '@grapnel/domain/violation';
import type { Clock } from '@grapnel/runtime/clock';

/** Every address of a name; rejects when there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** The system's resolver, hosts file included. Dispatchers may be told to ask others, and judge every answer again. */
export const systemResolve: Resolve = async (name) => {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
};

const PATIENCE_MS = 3_000;

/**
 * What is wrong with where an endpoint's name points today (AC-20): one address that is not public is enough. A name that
 * cannot be resolved now is let through: the answer may be different tomorrow, and the connected socket is judged anyway.
 */
export async function checkEndpointName(url: string, resolve: Resolve, clock: Clock): Promise<Violation[]> {
  if (!URL.canParse(url)) return [];
  const { hostname } = new URL(url);
  if (hostname === '' || literalAddress(hostname) !== null) return [];
  const stop = new AbortController();
  try {
    const addresses = await Promise.race([
      resolve(hostname),
      clock.sleep(PATIENCE_MS, stop.signal).then((): readonly string[] => []),
    ]);
    return addresses.every((address) => isPublicAddress(address))
      ? []
      : [violation('webhook_url', 'FORBIDDEN_ADDRESS', FORBIDDEN)];
  } catch {
    return [];
  } finally {
    stop.abort();
  }
}
