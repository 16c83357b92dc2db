/** What a timer may be late by; made up for where the attempts are closer than that. */
const TOLERANCE_MS = 10;

/**
 * When an endpoint of so many attempts per second may get the next one (the generic cell rate algorithm): they leave evenly
 * spaced, not as a burst at the start of every second. Times are monotonic milliseconds.
 */
export class Rate {
  #next = 0;

  /** Milliseconds until the next attempt may leave; 0: now. */
  waitMs(now: number, perSecond: number): number {
    const tolerance = 1_000 / perSecond <= TOLERANCE_MS ? TOLERANCE_MS : 0;
    return Math.max(0, this.#next - tolerance - now);
  }

  /** One has left. */
  spend(now: number, perSecond: number): void {
    this.#next = Math.max(now, this.#next) + 1_000 / perSecond;
  }
}
