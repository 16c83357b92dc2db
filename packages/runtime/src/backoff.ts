import type { Clock } from './clock.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Waits longer after each failure, up to a bound; `reset` after a success. */
export class Backoff {
  readonly #clock: Clock;
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(clock: Clock, options: BackoffOptions = { firstMs: 50, maxMs: 2_000 }) {
    this.#clock = clock;
    this.#options = options;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Rejects when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    const ms = Math.min(this.#options.firstMs * 2 ** this.#failures, this.#options.maxMs);
    this.#failures++;
    await this.#clock.sleep(ms, signal);
  }
}
