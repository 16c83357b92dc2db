import type { Clock } from '@grapnel/runtime/clock';

/** A change is confirmed no sooner than so long after it was stored. */
const CONFIRMED_AFTER_MS = 50;
/** Who looked at the stream no longer ago knows all that is confirmed; less, for timers that are early and clocks that differ. */
const RECENT_MS = 40;
/** So soon the next look is begun, so that nobody has to wait for one that takes less than the rest. */
const LOOK_AGAIN_MS = 15;

/** Resolves when a change that has just been stored may be confirmed. */
export function confirmation(clock: Clock): Promise<void> {
  return clock.sleep(CONFIRMED_AFTER_MS);
}

/** By both clocks: the one does not go on while a machine sleeps, the other is set. */
interface Moment {
  readonly monotonic: number;
  readonly now: number;
}

interface Look {
  readonly began: Moment;
  readonly ended: Promise<void>;
}

/**
 * Whether this replica's directory knows every change that was confirmed before now. It looks at the end of the stream from time
 * to time and not for every event: what is missed by a look of less than {@link RECENT_MS} ago was stored after it, and is not
 * confirmed yet.
 */
export class Recency {
  readonly #clock: Clock;
  readonly #caughtUp: () => Promise<void>;
  /** When the last look that has ended began. */
  #knowsAllOf: Moment | null = null;
  #looking: Look | null = null;

  /** `caughtUp` resolves when everything is known that was stored before it was called. */
  constructor(clock: Clock, caughtUp: () => Promise<void>) {
    this.#clock = clock;
    this.#caughtUp = caughtUp;
  }

  /** `null`: everything that is confirmed is known; else it is when the promise resolves, which rejects where no look succeeds. */
  wait(): Promise<void> | null {
    const moment = this.#moment();
    const age = ageOf(this.#knowsAllOf, moment);
    if (age < LOOK_AGAIN_MS) return null;
    const { ended } = this.#recentLook(moment);
    return age < RECENT_MS ? null : ended;
  }

  /** The one under way, unless it began too long ago to say anything about now. */
  #recentLook(moment: Moment): Look {
    if (this.#looking !== null && ageOf(this.#looking.began, moment) < RECENT_MS) return this.#looking;
    const look: Look = { began: moment, ended: this.#look(moment) };
    this.#looking = look;
    const forget = (): void => {
      if (this.#looking === look) this.#looking = null;
    };
    look.ended.then(forget, forget);
    return look;
  }

  async #look(began: Moment): Promise<void> {
    await this.#caughtUp();
    this.#knowsAllOf = began;
  }

  #moment(): Moment {
    return { monotonic: this.#clock.monotonic(), now: this.#clock.now() };
  }
}

function ageOf(earlier: Moment | null, later: Moment): number {
  if (earlier === null) return Number.POSITIVE_INFINITY;
  return Math.max(later.monotonic - earlier.monotonic, later.now - earlier.now);
}
