import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { Semaphore } from '@grapnel/runtime/semaphore';

export interface NameResolverOptions {
  /** `host:port` of name servers; empty: the system's. */
  readonly servers: readonly string[];
  /** Of one question, asked four times at the most: servers that were quick before are asked again sooner. */
  readonly timeoutMs: number;
}

export const DEFAULT_RESOLVER: NameResolverOptions = { servers: [], timeoutMs: 2_500 };

/** Answers after which the system may know more: it reads the hosts file, and other sources of names. */
const ASK_THE_SYSTEM = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/** A name with nobody above it is the system's business: what a container's neighbours are called. */
const isLocalName = (name: string): boolean => !name.includes('.');

/** Nobody need be asked where this is (RFC 6761). */
const isThisHost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');
const THIS_HOST: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** Of the four threads that the system's look-ups, and connections to our own servers by name, have among them. */
const THREADS_FOR_ENDPOINTS = 2;

/**
 * Addresses of names, without waiting in line: the system's look-up uses a process's four threads, so that four names whose
 * servers do not answer would hold up every other customer's. Questions about one name at the same time are one.
 */
export class NameResolver {
  readonly #resolver: Resolver;
  readonly #threads = new Semaphore(THREADS_FOR_ENDPOINTS);
  readonly #asking = new Map<string, Promise<LookupAddress[]>>();

  constructor({ servers, timeoutMs }: NameResolverOptions) {
    this.#resolver = new Resolver({ timeout: timeoutMs, maxTimeout: timeoutMs, tries: 4 });
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
    if (isThisHost(name)) return [...THIS_HOST];
    if (isLocalName(name)) return this.#askSystem(name);
    const [v4, v6] = await Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)]);
    const found = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (found.length > 0) return found;
    const codes = [v4, v6].map((each) =>
      each.status === 'rejected' ? (each.reason as NodeJS.ErrnoException).code : '',
    );
    if (codes.every((code) => ASK_THE_SYSTEM.has(code ?? ''))) return this.#askSystem(name);
    throw Object.assign(new Error(`no name server answers for ${name}`), { code: 'EAI_AGAIN' });
  }

  async #askSystem(name: string): Promise<LookupAddress[]> {
    await this.#threads.acquire();
    try {
      return await lookup(name, { all: true });
    } finally {
      this.#threads.release();
    }
  }
}
