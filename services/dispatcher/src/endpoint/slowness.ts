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
/** Slow is what takes so many times as long as the median of all endpoints. */
const MUCH_LONGER = 4;
/** Longer than this is slow whatever the others take: where most are slow, the rest must not wait behind them. */
const ALWAYS_SLOW_MS = 1_000;
/** One attempt moves the estimate of the median by this factor … */
const MEDIAN_STEP = 1.05;
/** … and those of one endpoint do so this seldom, so that the busiest do not speak for all. */
const SPEAKS_EVERY_MS = 250;
/** A younger attempt says nothing yet: this process may have paused, and every attempt looks old after a pause. */
const TELLING_AGE_MS = 1_000;

/** Tells slow endpoints from the others: when this process is short of CPU all of them look slow alike, and none is. */
export class Slowness {
  readonly #bounds: SlownessBounds;
  /** Of what attempts take, over the endpoints. */
  #medianMs = FIRST_GUESS_MS;

  constructor(bounds: SlownessBounds) {
    this.#bounds = bounds;
  }

  learn(gate: Gate, ms: number, now: number): void {
    gate.typicalMs += WEIGHT * (ms - gate.typicalMs);
    if (now - gate.spokeAt < SPEAKS_EVERY_MS) return;
    gate.spokeAt = now;
    this.#medianMs = ms > this.#medianMs ? this.#medianMs * MEDIAN_STEP : Math.max(this.#medianMs / MEDIAN_STEP, 0.5);
  }

  isSlow(gate: Gate, now: number): boolean {
    const oldestMs = gate.oldestMs(now);
    const ms = Math.max(gate.typicalMs, oldestMs >= TELLING_AGE_MS ? oldestMs : 0);
    return ms > this.#bounds.slowAfterMs && ms > Math.min(MUCH_LONGER * this.#medianMs, ALWAYS_SLOW_MS);
  }

  hangs(gate: Gate, now: number): boolean {
    return this.isSlow(gate, now) && gate.oldestMs(now) > this.#bounds.hangsAfterMs;
  }
}
