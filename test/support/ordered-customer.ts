import { setTimeout as sleep } from 'node:timers/promises';
import type { Receiver } from '@grapnel/testkit/receiver';

interface Numbered {
  readonly key: string;
  readonly n: number;
}

/** What an answer takes, so that a request which does not wait for it is noticed. */
const ANSWER_MS = 3;

/**
 * A customer who is sent `{key, n}`, refuses every so-many-th request, and notes each that came before everything lower of
 * its key had been accepted. Repeats of what was accepted are no fault: deliveries are at least once.
 */
export class OrderedCustomer {
  readonly overtaken: string[] = [];
  readonly #accepted = new Map<string, Set<number>>();
  readonly #every: number;
  #requests = 0;

  constructor(receiver: Receiver, path: string, every = Number.POSITIVE_INFINITY) {
    this.#every = every;
    receiver.respond(async (request) => ({ status: await this.#answer(request.json<Numbered>()) }), path);
  }

  get accepted(): number {
    return [...this.#accepted.values()].reduce((sum, { size }) => sum + size, 0);
  }

  async #answer({ key, n }: Numbered): Promise<number> {
    const accepted = this.#accepted.get(key) ?? new Set<number>();
    this.#accepted.set(key, accepted);
    for (let lower = 0; lower < n; lower++)
      if (!accepted.has(lower)) this.overtaken.push(`${key}: ${n} before ${lower}`);
    const refused = ++this.#requests % this.#every === 0;
    await sleep(ANSWER_MS);
    if (refused) return 500;
    accepted.add(n);
    return 200;
  }
}
