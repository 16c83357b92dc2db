/**
 * How many attempts an endpoint gets at once, learned from how it answers: one more per round trip while it is fast and all
 * places are taken, one fewer while it is much slower than it was, and a third fewer when it does not answer at all
 * (additive increase, multiplicative decrease, as TCP does it; the latency's part is that of TCP Vegas).
 */
export interface Limit {
  /** Its whole part counts. */
  readonly value: number;
  /** The fastest answer of late, milliseconds; `null` before the first. */
  readonly bestMs: number | null;
  /** Attempts that began before the last decrease have told what they had to tell. Monotonic. */
  readonly decreasedAt: number;
}

export interface LimitBounds {
  readonly initial: number;
  readonly max: number;
}

/** Answers within so many times the fastest are fast, past so many much slower. */
const FAST = 3;
const MUCH_SLOWER = 8;
/** Below this many milliseconds nothing is slow: the difference is noise. */
const ALWAYS_FAST_MS = 20;
/** Slowness alone takes no more than this. */
const FLOOR_OF_SLOW = 4;
const DECREASE = 0.66;
/** The fastest answer is forgotten slowly, so that an endpoint that has changed is judged by what it is now. */
const FORGETTING = 1.002;

export function initialLimit({ initial, max }: LimitBounds): Limit {
  return { value: Math.min(initial, max), bestMs: null, decreasedAt: -1 };
}

/** `full`: all places were taken, so that a higher limit would be of use. */
export function afterAnswerIn(limit: Limit, ms: number, full: boolean, max: number): Limit {
  const bestMs = limit.bestMs === null ? ms : Math.min(ms, limit.bestMs * FORGETTING + 0.01);
  const { value } = limit;
  if (full && (ms <= ALWAYS_FAST_MS || ms <= FAST * bestMs)) {
    return { ...limit, bestMs, value: Math.min(max, value + 1 / value) };
  }
  if (ms > ALWAYS_FAST_MS && ms > MUCH_SLOWER * bestMs && value > FLOOR_OF_SLOW) {
    return { ...limit, bestMs, value: Math.max(FLOOR_OF_SLOW, value - 1 / value) };
  }
  return { ...limit, bestMs };
}

/** No answer, or one that asks for less. All that were under way together count once. */
export function afterTrouble(limit: Limit, startedAt: number, now: number): Limit {
  if (startedAt < limit.decreasedAt) return limit;
  return { ...limit, value: Math.max(1, limit.value * DECREASE), decreasedAt: now };
}
