/** A timer that has not gone off yet. */
export interface Timer {
  cancel(): void;
}

/** Time, as a port: nothing else reads the clock or sets a timer, so that a simulation can. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go backwards: for durations. */
  monotonic(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs once after `ms`. A pending timer does not keep the process alive. */
  after(ms: number, run: () => void): Timer;
}

// setTimeout's own limit; longer sleeps go in steps.
const LONGEST_MS = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; left > LONGEST_MS; left -= LONGEST_MS) await once(LONGEST_MS, signal);
    await once(Math.min(ms, LONGEST_MS), signal);
  },
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

function once(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(finish, ms);
    function finish(): void {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
}
