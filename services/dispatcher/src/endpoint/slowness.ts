import type { Gate } from './gate.ts';

export interface SlownessBounds {
  /** An endpoint that takes this long, and much longer than the others, is slow. */
  readonly slowAfterMs: number;
  /** A slow endpoint whose oldest attempt is older than this hangs: nothing queues for it. */
  readonly hangsAfterMs: number;
}

/** What an attempt is thought to take where none has ended yet. */
export const FIRST_GUESS_MS = 50;
const WEIGHT = 0.2;
/** Slow is what takes so many times as long as the median of all attempts. */
const MUCH_LONGER = 4;
/** One attempt moves the estimate of the median by this factor. */
const MEDIAN_STEP = 1.02;
/** A younger attempt says nothing yet: this process may have paused, and every attempt looks old after a pause. */
const TELLING_AGE_MS = 1_000;

/** Tells slow endpoints from the others: when this process is short of CPU all of them look slow alike, and none is. */
export class Slowness {
  readonly #bounds: SlownessBounds;
  /** Of the duration of all attempts. */
  #medianMs = FIRST_GUESS_MS;

  constructor(bounds: SlownessBounds) {
    this.#bounds = bounds;
  }

  learn(gate: Gate, ms: number): void {
    gate.typicalMs += WEIGHT * (ms - gate.typicalMs);
    this.#medianMs = ms > this.#medianMs ? this.#medianMs * MEDIAN_STEP : Math.max(this.#medianMs / MEDIAN_STEP, 0.5);
  }

  isSlow(gate: Gate, now: number): boolean {
    const oldestMs = gate.oldestMs(now);
    const ms = Math.max(gate.typicalMs, oldestMs >= TELLING_AGE_MS ? oldestMs : 0);
    return ms > this.#bounds.slowAfterMs && ms > MUCH_LONGER * this.#medianMs;
  }

  hangs(gate: Gate, now: number): boolean {
    return this.isSlow(gate, now) && gate.oldestMs(now) > this.#bounds.hangsAfterMs;
  }
}
