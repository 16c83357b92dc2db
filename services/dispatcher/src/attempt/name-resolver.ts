import { type LookupAddress, lookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';

export interface NameResolverOptions {
  /** `host:port` of name servers; empty: the system's. */
  readonly servers: readonly string[];
  /** Of one question, asked twice. */
  readonly timeoutMs: number;
}

export const DEFAULT_RESOLVER: NameResolverOptions = { servers: [], timeoutMs: 2_500 };

/** Answers after which the system may know more: it reads the hosts file, and other sources of names. */
const ASK_THE_SYSTEM = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/** A name with nobody above it is the system's business: `localhost`, and what a container's neighbours are called. */
const isLocalName = (name: string): boolean => !name.includes('.') || name.endsWith('.localhost');

/**
 * Addresses of names, without waiting in line: the system's look-up uses a process's four threads, so that four names whose
 * servers do not answer would hold up every other customer's. Questions about one name at the same time are one.
 */
export class NameResolver {
  readonly #resolver: Resolver;
  readonly #asking = new Map<string, Promise<LookupAddress[]>>();

  constructor({ servers, timeoutMs }: NameResolverOptions) {
    this.#resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
    if (servers.length > 0) this.#resolver.setServers(servers);
  }

  /** @throws an error with the code of the system's look-up: `ENOTFOUND`, or `EAI_AGAIN` when nobody answers */
  resolve(name: string): Promise<LookupAddress[]> {
    const asking = this.#asking.get(name);
    if (asking !== undefined) return asking;
    const asked = this.#ask(name).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asked);
    return asked;
  }

  async #ask(name: string): Promise<LookupAddress[]> {
    if (isLocalName(name)) return askSystem(name);
    const [v4, v6] = await Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)]);
    const found = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (found.length > 0) return found;
    const codes = [v4, v6].map((each) =>
      each.status === 'rejected' ? (each.reason as NodeJS.ErrnoException).code : '',
    );
    if (codes.every((code) => ASK_THE_SYSTEM.has(code ?? ''))) return askSystem(name);
    throw Object.assign(new Error(`no name server answers for ${name}`), { code: 'EAI_AGAIN' });
  }
}

function askSystem(name: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}
