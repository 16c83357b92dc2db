import type { WebhookId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';

/** Leave to make one attempt; `done` gives the place to the next. */
export interface Permit {
  done(): void;
}

export type Admission = Permit | { readonly overflow: true; readonly waitMs: number };

export interface GateOptions {
  /** Attempts under way at once for one webhook. */
  readonly maxInFlight: number;
  /** An endpoint that takes this long, and much longer than the others, is slow. */
  readonly slowAfterMs: number;
  /** A slow endpoint whose oldest attempt is older than this hangs: nothing queues for it. */
  readonly hangsAfterMs: number;
  /** So many may queue for a slow endpoint; what queues for the others is bounded by their partition's window. */
  readonly slowQueue: number;
}

export const DEFAULT_GATES: GateOptions = {
  maxInFlight: 16,
  slowAfterMs: 100,
  hangsAfterMs: 2_000,
  slowQueue: 32,
};

interface Gate {
  /** Start times of what is under way, oldest first. */
  readonly started: Set<{ readonly at: number }>;
  readonly queue: ((admission: Admission) => void)[];
  /** How long attempts take here, a moving average in milliseconds. */
  typicalMs: number;
  /** Sent away to a lane and not yet back. */
  away: number;
}

const FIRST_GUESS_MS = 50;
const WEIGHT = 0.2;
/** Slow is what takes so many times as long as the median of all attempts. */
const MUCH_LONGER = 4;
/** One attempt moves the estimate of the median by this factor. */
const MEDIAN_STEP = 1.02;
const SWEEP_MS = 250;
/** Bounds of the wait that an overflow is sent away with; an estimate may be wrong, and then it is wrong for half a minute. */
const OVERFLOW_MS = { min: 1_000, max: 30_000 };
/** A younger attempt says nothing yet: this process may have paused, and every attempt looks old after a pause. */
const TELLING_AGE_MS = 1_000;

/**
 * One gate per webhook: a cap on attempts under way, a short queue in front of it, and past that the advice to wait in a
 * lane for about as long as the backlog will take. A place is never held by waiting, so one slow endpoint costs the
 * others nothing.
 */
export class Gates implements Disposable {
  readonly #gates = new Map<WebhookId, Gate>();
  readonly #clock: Clock;
  readonly #options: GateOptions;
  /** Median duration of all attempts. When this process is short of CPU all endpoints look slow alike, and none is. */
  #medianMs = FIRST_GUESS_MS;
  #queued = 0;
  #underWay = 0;
  #sweeping = false;
  #closed = false;

  constructor(clock: Clock, options: GateOptions = DEFAULT_GATES) {
    this.#clock = clock;
    this.#options = options;
  }

  get queued(): number {
    return this.#queued;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** `returning`: it was sent away before. */
  admit(id: WebhookId, returning = false): Permit | Promise<Admission> {
    const gate = this.#gateOf(id);
    if (returning && gate.away > 0) gate.away--;
    if (gate.started.size < this.#options.maxInFlight && gate.queue.length === 0) return this.#permit(id, gate);
    const full = this.#slow(gate) && (this.#hangs(gate) || gate.queue.length >= this.#options.slowQueue);
    if (this.#closed || full) {
      return Promise.resolve(this.#overflow(gate));
    }
    this.#queued++;
    this.#startSweep();
    return new Promise((resolve) => gate.queue.push(resolve));
  }

  /** Sends everything that queues away, for a stop. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const gate of this.#gates.values()) this.#sendAway(gate);
  }

  #gateOf(id: WebhookId): Gate {
    let gate = this.#gates.get(id);
    if (gate === undefined) {
      this.#gates.set(id, (gate = { started: new Set(), queue: [], typicalMs: FIRST_GUESS_MS, away: 0 }));
    }
    return gate;
  }

  #permit(id: WebhookId, gate: Gate): Permit {
    const begun = { at: this.#clock.monotonic() };
    gate.started.add(begun);
    this.#underWay++;
    return {
      done: () => {
        if (!gate.started.delete(begun)) return;
        this.#underWay--;
        this.#learn(gate, this.#clock.monotonic() - begun.at);
        const next = gate.queue.shift();
        if (next !== undefined) {
          this.#queued--;
          next(this.#permit(id, gate));
        } else if (gate.started.size === 0 && gate.away === 0) {
          // Idle webhooks cost no memory; their average starts anew.
          this.#gates.delete(id);
        }
      },
    };
  }

  /**
   * Sends one away for about as long as those before it will take, so that a big backlog comes back spread out and not all
   * at once. The oldest attempt tells of a hanging endpoint before any average does.
   */
  #overflow(gate: Gate): Admission {
    const before = gate.queue.length + gate.away;
    const waitMs = (Math.max(gate.typicalMs, this.#oldest(gate)) * before) / this.#options.maxInFlight;
    gate.away++;
    return { overflow: true, waitMs: Math.min(Math.max(waitMs, OVERFLOW_MS.min), OVERFLOW_MS.max) };
  }

  /** Whether an endpoint is much slower than the others; its deliveries should not hold up theirs. */
  isSlow(id: WebhookId): boolean {
    const gate = this.#gates.get(id);
    return gate !== undefined && this.#slow(gate);
  }

  #slow(gate: Gate): boolean {
    const oldest = this.#oldest(gate);
    const ms = Math.max(gate.typicalMs, oldest >= TELLING_AGE_MS ? oldest : 0);
    return ms > this.#options.slowAfterMs && ms > MUCH_LONGER * this.#medianMs;
  }

  #hangs(gate: Gate): boolean {
    return this.#oldest(gate) > this.#options.hangsAfterMs;
  }

  #learn(gate: Gate, ms: number): void {
    gate.typicalMs += WEIGHT * (ms - gate.typicalMs);
    this.#medianMs = ms > this.#medianMs ? this.#medianMs * MEDIAN_STEP : Math.max(this.#medianMs / MEDIAN_STEP, 0.5);
  }

  #oldest(gate: Gate): number {
    const [oldest] = gate.started;
    return oldest === undefined ? 0 : this.#clock.monotonic() - oldest.at;
  }

  /**
   * Empties the queues of endpoints that hang. Those that move on keep theirs, however busy this process is: sending
   * deliveries away because we are slow would only make more work.
   */
  #startSweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      for (const gate of this.#gates.values()) {
        if (gate.queue.length > 0 && this.#slow(gate) && this.#hangs(gate)) this.#sendAway(gate);
      }
      if (this.#queued > 0) this.#startSweep();
    });
  }

  #sendAway(gate: Gate): void {
    const queue = gate.queue.splice(0);
    this.#queued -= queue.length;
    for (const resolve of queue) resolve(this.#overflow(gate));
  }
}
