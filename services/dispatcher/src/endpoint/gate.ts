import { type Circuit, CLOSED, passage } from './circuit.ts';
import { initialLimit, type Limit, type LimitBounds } from './limit.ts';
import { Rate } from './rate.ts';

/** Why a delivery was sent away from its endpoint's gate. */
export type AwayReason = 'over_cap' | 'circuit_open' | 'rate_limited';

/** Leave to make one attempt. */
export interface Permit {
  /** The attempt is over, and went so: its place is the next one's. */
  done(feedback: Feedback): void;
  /** What came of it is stored, or it is given up. */
  settled(): void;
}

export type Admission = Permit | { readonly away: AwayReason; readonly waitMs: number };

/** How an attempt went, as far as the endpoint's gate goes. */
export type Feedback =
  /** Any whole answer, an error's too. */
  | { readonly kind: 'answered' }
  /** 429 or 503: it asks for less, or to be left alone for a while; 0: it does not say how long. */
  | { readonly kind: 'refused'; readonly retryAfterMs: number }
  /** None in time, or no connection. */
  | { readonly kind: 'no_answer' }
  /** Nothing was sent, so nothing was learned. */
  | { readonly kind: 'not_sent' };

/** An attempt under way. */
export interface Begun {
  /** Monotonic. */
  readonly at: number;
  /** Finds out for all whether a circuit can be closed. */
  readonly probes: boolean;
}

/** What is known of one endpoint, and who waits for it. */
export class Gate {
  /** In no order. */
  readonly started: Begun[] = [];
  /** Attempts that began and are not settled: those under way, and those of which a crash would take the outcome. */
  unsettled = 0;
  readonly queue: ((admission: Admission) => void)[] = [];
  readonly rate = new Rate();
  /** Attempts per second, as its webhook says today; `null`: as many as it takes. */
  perSecond: number | null = null;
  circuit: Circuit = CLOSED;
  limit: Limit;
  /** How long attempts take here, a moving average in milliseconds. */
  typicalMs: number;
  /** When that last had a say in what is slow. Monotonic. */
  spokeAt = Number.NEGATIVE_INFINITY;
  /** Sent away to a lane and not yet back. */
  away = 0;
  /** Monotonic. */
  usedAt = 0;
  /** A timer will look at the queue when the rate lets the next one leave. */
  draining = false;

  constructor(bounds: LimitBounds, firstGuessMs: number) {
    this.limit = initialLimit(bounds);
    this.typicalMs = firstGuessMs;
  }

  /** Whether all the attempts that it may get at once are under way. */
  get isFull(): boolean {
    return this.started.length >= this.#places;
  }

  /**
   * Whether an attempt may begin. As many again as may be under way may wait for the store: while it is slow or away, what a
   * crash would send twice does not grow.
   */
  get hasRoom(): boolean {
    return !this.isFull && this.unsettled < 2 * this.#places;
  }

  /** Nobody is here, and nothing is known that its circuit as others keep it would not tell as well. `now`: since the epoch. */
  isIdle(now: number): boolean {
    return this.unsettled === 0 && this.queue.length === 0 && typeof passage(this.circuit, now) !== 'object';
  }

  get #places(): number {
    return Math.floor(this.limit.value);
  }

  /** Milliseconds until its rate lets the next one leave. */
  rateWaitMs(now: number): number {
    return this.perSecond === null ? 0 : this.rate.waitMs(now, this.perSecond);
  }

  /** How long the oldest attempt under way has taken, in milliseconds: it tells of a hanging endpoint before any average does. */
  oldestMs(now: number): number {
    let oldest = now;
    for (const { at } of this.started) if (at < oldest) oldest = at;
    return now - oldest;
  }

  /** `false`: it had ended before. */
  end(begun: Begun): boolean {
    const at = this.started.indexOf(begun);
    if (at === -1) return false;
    const last = this.started.pop();
    if (last !== undefined && last !== begun) this.started[at] = last;
    return true;
  }
}
