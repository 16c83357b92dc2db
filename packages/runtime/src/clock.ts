import { type Linked, LinkedList } from './linked-list.ts';

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
    const others = signal === undefined ? null : sleepersUntil(signal);
    const timer = setTimeout(() => {
      others?.remove(sleeper);
      resolve();
    }, ms);
    const sleeper = new Sleeper(() => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    });
    others?.add(sleeper);
  });
}

class Sleeper implements Linked {
  readonly wake: () => void;
  previous: this | null = null;
  next: this | null = null;

  constructor(wake: () => void) {
    this.wake = wake;
  }
}

/**
 * Who sleeps until a signal. One listener wakes all: a signal looks through all that it has for each that is added, and thousands
 * sleep in the lanes. It is taken off with the last: a signal made of others lives as long as somebody listens to it.
 */
class Sleepers {
  readonly #signal: AbortSignal;
  readonly #list = new LinkedList<Sleeper>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(sleeper: Sleeper): void {
    if (this.#list.size === 0) this.#signal.addEventListener('abort', this);
    this.#list.add(sleeper);
  }

  remove(sleeper: Sleeper): void {
    this.#list.remove(sleeper);
    if (this.#list.size === 0) this.#signal.removeEventListener('abort', this);
  }

  handleEvent(): void {
    for (const each of this.#list) {
      this.remove(each);
      each.wake();
    }
  }
}

const sleepers = new WeakMap<AbortSignal, Sleepers>();

function sleepersUntil(signal: AbortSignal): Sleepers {
  const known = sleepers.get(signal);
  if (known !== undefined) return known;
  const fresh = new Sleepers(signal);
  sleepers.set(signal, fresh);
  return fresh;
}
