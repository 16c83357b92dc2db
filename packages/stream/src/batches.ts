import type { Clock, Timer } from '@grapnel/runtime/clock';

export interface BatchOptions {
  readonly maxSize: number;
  /** Counted from a batch's first message. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
}

const TIME_IS_UP = Symbol('time is up');

/**
 * Groups what `source` yields: as many as arrive within a bounded time, in order. Whoever leaves the loop early ends the
 * source first: the end of the loop waits for the read that is pending.
 */
export async function* batches<T>(source: AsyncIterable<T>, options: BatchOptions): AsyncIterable<T[]> {
  const iterator = source[Symbol.asyncIterator]();
  let pending = iterator.next();
  try {
    for (;;) {
      const first = await pending;
      if (first.done === true) return;
      const batch = [first.value];
      pending = iterator.next();
      let timer: Timer | undefined;
      const timeout = new Promise<typeof TIME_IS_UP>((resolve) => {
        timer = options.clock.after(options.maxWaitMs, () => resolve(TIME_IS_UP));
      });
      while (batch.length < options.maxSize) {
        const next = await Promise.race([pending, timeout]);
        if (next === TIME_IS_UP || next.done === true) break;
        batch.push(next.value);
        pending = iterator.next();
      }
      timer?.cancel();
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}
