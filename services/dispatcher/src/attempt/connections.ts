import type { Clock, Timer } from '@grapnel/runtime/clock';
import { Client } from 'undici';

/** One connection to an origin; undici opens it anew when the other side has closed it. */
export interface Connection {
  readonly origin: string;
  readonly client: Client;
  /** Monotonic. */
  idleSince: number;
}

/** An origin that nothing was sent to for so long costs no memory any more. */
const EVICT_AFTER_MS = 60_000;
const SWEEP_MS = 10_000;
/** One for all: Node reads the stack of what destroys a socket, which costs more than the rest of it. */
const NOT_USED_AGAIN = new Error('the connection is not used again');

/**
 * Connections by origin, each for one request at a time. The one that was used last is taken first, so that a burst's
 * surplus falls idle and closes. undici's own pool looks through all its busy connections for every request: with the
 * thousand that webhooks of one origin can have under way that was a twentieth of the dispatcher's time.
 */
export class Connections implements AsyncDisposable {
  readonly #idle = new Map<string, Connection[]>();
  readonly #all = new Set<Client>();
  readonly #options: Client.Options;
  readonly #clock: Clock;
  #timer: Timer;

  constructor(options: Client.Options, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#timer = this.#sweepLater();
  }

  take(origin: string): Connection {
    const idle = this.#idle.get(origin)?.pop();
    if (idle !== undefined) return idle;
    const client = new Client(origin, this.#options);
    this.#all.add(client);
    return { origin, client, idleSince: 0 };
  }

  /** After a whole answer. */
  giveBack(connection: Connection): void {
    connection.idleSince = this.#clock.monotonic();
    const idle = this.#idle.get(connection.origin);
    if (idle === undefined) this.#idle.set(connection.origin, [connection]);
    else idle.push(connection);
  }

  /** After anything else: what is left of an answer must not be read as the next one. */
  discard({ client }: Connection): void {
    this.#all.delete(client);
    client.destroy(NOT_USED_AGAIN).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel();
    this.#idle.clear();
    await Promise.all([...this.#all].map((client) => client.destroy()));
  }

  #sweepLater(): Timer {
    return this.#clock.after(SWEEP_MS, () => {
      const before = this.#clock.monotonic() - EVICT_AFTER_MS;
      for (const [origin, idle] of this.#idle) {
        // Used last is last: the old ones are at the front.
        const young = idle.findIndex(({ idleSince }) => idleSince >= before);
        for (const old of idle.splice(0, young === -1 ? idle.length : young)) this.discard(old);
        if (idle.length === 0) this.#idle.delete(origin);
      }
      this.#timer = this.#sweepLater();
    });
  }
}
