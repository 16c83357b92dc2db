import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** Pause between two tries. Default 20 ms. */
  readonly intervalMs?: number;
}

type Falsy = false | null | 0 | '' | 0n;

/**
 * Calls `probe` until it is satisfied, and returns its value. Not yet satisfied: it throws (an assertion, say), or
 * returns false, null, 0 or ''. Returning nothing counts as satisfied, so that a body of assertions works.
 * When the time is over, throws what `probe` threw last.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, Falsy>> {
  const { timeoutMs = 10_000, intervalMs = 20 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await probe();
      if (value === undefined || value) return value as Exclude<T, Falsy>;
      failure = new Error(`still ${String(value)} after ${timeoutMs} ms: ${probe.toString().slice(0, 200)}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) throw failure;
    await sleep(intervalMs);
  }
}
