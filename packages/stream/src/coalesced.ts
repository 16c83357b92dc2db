import type { Clock } from '@grapnel/runtime/clock';

/** Writes that are together sooner than their time go sooner. */
const ENOUGH = 128;

/**
 * Collects small writes and runs them together: at the end of the event loop's turn, or after `waitMs` where nobody waits
 * for what is written. The NATS client writes to its socket once per microtask turn; a service that publishes and
 * acknowledges from many sockets' callbacks would otherwise make a system call for each, which was a quarter of the
 * dispatcher's time and as much of the server's.
 */
export class Coalesced {
  readonly #clock: Clock;
  readonly #waitMs: () => number;
  #writes: (() => void)[] = [];

  /** `waitMs` is asked when a collection begins. */
  constructor(clock: Clock, waitMs: () => number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  add(write: () => void): void {
    const count = this.#writes.push(write);
    if (count === 1) this.#schedule();
    else if (count === ENOUGH) this.flush();
  }

  flush(): void {
    const writes = this.#writes;
    this.#writes = [];
    for (const write of writes) write();
  }

  #schedule(): void {
    const waitMs = this.#waitMs();
    if (waitMs === 0) setImmediate(() => this.flush());
    else this.#clock.after(waitMs, () => this.flush());
  }
}
