import type { Clock, Timer } from '@grapnel/runtime/clock';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until told to {@link FakeClock.advance}. */
export class FakeClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #start: number;
  readonly #pending = new Set<Pending>();

  /** `start` is the first `now()`, in ms since the epoch. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): Timer {
    const pending: Pending = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = this.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** Timers not yet due. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Moves time on by `ms`, running what falls due in order of time, each at its own moment; what those set in turn runs
   * too when it falls into the span. Promises they settle are let through before the next timer.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsed + ms;
    await settle();
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#pending.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.run();
      await settle();
    }
    this.#elapsed = target;
  }

  #next(until: number): Pending | undefined {
    let first: Pending | undefined;
    for (const candidate of this.#pending) {
      if (candidate.at > until) continue;
      if (
        first === undefined ||
        candidate.at < first.at ||
        (candidate.at === first.at && candidate.order < first.order)
      ) {
        first = candidate;
      }
    }
    return first;
  }
}

/** One turn of the event loop, after which every promise chain that needs no I/O has run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
