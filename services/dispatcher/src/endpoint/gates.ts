import type { WebhookId } from '@grapnel/domain/ids';
import type { Clock, Timer } from '@grapnel/runtime/clock';
import { awayMs } from './away.ts';
import {
  afterAnswer,
  afterNoAnswer,
  afterNothing,
  afterRefusal,
  type Circuit,
  CLOSED,
  passage,
  probing,
} from './circuit.ts';
import { type Admission, type AwayReason, type Begun, type Feedback, Gate, type Permit } from './gate.ts';
import { DEFAULT_GATES, type GateOptions } from './gate-options.ts';
import { afterAnswerIn, afterTrouble } from './limit.ts';
import { FIRST_GUESS_MS, Slowness } from './slowness.ts';

/** An endpoint, as far as its gate goes. */
export interface Gated {
  readonly id: WebhookId;
  readonly rateLimitPerSecond: number | null;
}

/** For people and metrics. */
export interface GateState {
  readonly circuit: Circuit;
  readonly limit: number;
  readonly underWay: number;
  readonly queued: number;
  readonly away: number;
}

/** Circuits that outlive this process. */
export interface Circuits {
  /** What another process, or this one before a restart, knew of an endpoint; `null`: nothing. */
  find(id: WebhookId): Circuit | null;
  /** One has opened or closed. */
  changed(id: WebhookId, circuit: Circuit): void;
}

const FORGETFUL: Circuits = { find: () => null, changed: () => {} };

const SWEEP_MS = 250;
/** An endpoint that nothing was sent to for so long is forgotten. */
const FORGET_AFTER_MS = 60_000;

/**
 * One gate per webhook: a limit on attempts under way that is learned, a bound on those not yet stored, a rate that the webhook
 * may ask for, a circuit, a short queue in front of it, and past that the advice to wait in a lane for about as long as the
 * backlog will take. A place is never held by waiting, so one slow endpoint costs the others nothing.
 */
export class Gates implements Disposable {
  readonly #gates = new Map<WebhookId, Gate>();
  readonly #clock: Clock;
  readonly #options: GateOptions;
  readonly #circuits: Circuits;
  readonly #slowness: Slowness;
  #queued = 0;
  #underWay = 0;
  #notClosed = 0;
  #sweeping: Timer;
  #forgetAt: number;
  #closed = false;

  constructor(clock: Clock, options: GateOptions = DEFAULT_GATES, circuits: Circuits = FORGETFUL) {
    this.#clock = clock;
    this.#options = options;
    this.#circuits = circuits;
    this.#slowness = new Slowness(options);
    this.#forgetAt = clock.monotonic() + FORGET_AFTER_MS;
    this.#sweeping = this.#sweepLater();
  }

  get queued(): number {
    return this.#queued;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Endpoints known at the moment. */
  get size(): number {
    return this.#gates.size;
  }

  /** Endpoints that are left alone, or probed. */
  get notClosed(): number {
    return this.#notClosed;
  }

  stateOf(id: WebhookId): GateState | null {
    const gate = this.#gates.get(id);
    if (gate === undefined) return null;
    const { circuit, limit, started, queue, away } = gate;
    return { circuit, limit: Math.floor(limit.value), underWay: started.length, queued: queue.length, away };
  }

  /** The webhook was changed by its owner, or deleted: what was learned of its endpoint need not hold any more. */
  forget(id: WebhookId): void {
    const gate = this.#gates.get(id);
    // Nothing was sent to it of late: what others have kept of it is old, too.
    if (gate === undefined) return this.#circuits.changed(id, CLOSED);
    this.#put(id, gate, CLOSED);
    gate.away = 0;
    this.#drain(id, gate);
  }

  /** A delivery that was sent away is back, whatever becomes of it now. */
  returned(id: WebhookId): void {
    const gate = this.#gates.get(id);
    if (gate !== undefined && gate.away > 0) gate.away--;
  }

  admit({ id, rateLimitPerSecond }: Gated): Permit | Promise<Admission> {
    const gate = this.#gateOf(id);
    if (gate.perSecond !== rateLimitPerSecond) {
      gate.perSecond = rateLimitPerSecond;
      // What queues was let in by the rate of before.
      this.#drain(id, gate);
    }
    const may = passage(gate.circuit, this.#clock.now());
    if (typeof may === 'object') return Promise.resolve(this.#sendAway(gate, 'circuit_open', may.waitMs));
    const now = this.#clock.monotonic();
    const rateWaitMs = gate.rateWaitMs(now);
    if (gate.queue.length === 0 && rateWaitMs === 0 && gate.hasRoom) return this.#permit(id, gate);
    // Nobody queues for a probe: the queue moves while the circuit is closed, and whoever stood in it would keep others from probing.
    if (this.#closed || may === 'probe' || this.#sendsAway(gate, now)) {
      return Promise.resolve(this.#sendAway(gate, rateWaitMs > 0 ? 'rate_limited' : 'over_cap', rateWaitMs));
    }
    this.#queued++;
    const admission = new Promise<Admission>((resolve) => gate.queue.push(resolve));
    if (rateWaitMs > 0) this.#drainLater(id, gate, rateWaitMs);
    return admission;
  }

  /** Whether an endpoint is much slower than the others; its deliveries should not hold up theirs. */
  isSlow(id: WebhookId): boolean {
    const gate = this.#gates.get(id);
    if (gate === undefined) return false;
    if (gate.perSecond !== null && gate.queue.length > 0) return true;
    return this.#slowness.isSlow(gate, this.#clock.monotonic());
  }

  /** Sends everything that queues away, for a stop. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#sweeping.cancel();
    for (const gate of this.#gates.values()) this.#empty(gate, 'over_cap', 0);
  }

  #gateOf(id: WebhookId): Gate {
    const known = this.#gates.get(id);
    if (known !== undefined) return known;
    const gate = new Gate(this.#options, FIRST_GUESS_MS);
    this.#gates.set(id, gate);
    const circuit = this.#circuits.find(id);
    if (circuit !== null && circuit.kind !== 'closed') {
      gate.circuit = circuit;
      this.#notClosed++;
    }
    return gate;
  }

  #permit(id: WebhookId, gate: Gate): Permit {
    const now = this.#clock.monotonic();
    const probes = gate.circuit.kind === 'open';
    if (probes) this.#put(id, gate, probing(gate.circuit));
    if (gate.perSecond !== null) gate.rate.spend(now, gate.perSecond);
    const begun: Begun = { at: now, probes };
    gate.started.push(begun);
    gate.unsettled++;
    gate.usedAt = now;
    this.#underWay++;
    return {
      done: (feedback) => this.#done(id, gate, begun, feedback),
      settled: () => this.#settled(id, gate),
    };
  }

  #done(id: WebhookId, gate: Gate, begun: Begun, feedback: Feedback): void {
    const wasFull = gate.isFull;
    if (!gate.end(begun)) return;
    this.#underWay--;
    this.#learn(id, gate, begun, feedback, wasFull);
    this.#drain(id, gate);
  }

  #settled(id: WebhookId, gate: Gate): void {
    gate.unsettled--;
    if (gate.queue.length > 0) this.#drain(id, gate);
  }

  #learn(id: WebhookId, gate: Gate, { at, probes }: Begun, feedback: Feedback, wasFull: boolean): void {
    const { max, timeScale } = this.#options;
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const ms = monotonic - at;
    if (feedback.kind !== 'not_sent') this.#slowness.learn(gate, ms, monotonic);
    switch (feedback.kind) {
      case 'answered':
        gate.limit = afterAnswerIn(gate.limit, ms, wasFull, max);
        return this.#put(id, gate, afterAnswer(gate.circuit));
      case 'refused':
        gate.limit = afterTrouble(gate.limit, at, monotonic);
        return this.#put(id, gate, afterRefusal(gate.circuit, now, feedback.retryAfterMs / timeScale));
      case 'no_answer':
        gate.limit = afterTrouble(gate.limit, at, monotonic);
        return this.#put(id, gate, afterNoAnswer(gate.circuit, probes, now, timeScale));
      case 'not_sent':
        return this.#put(id, gate, afterNothing(gate.circuit, now));
    }
  }

  #put(id: WebhookId, gate: Gate, next: Circuit): void {
    const before = gate.circuit;
    if (before === next) return;
    gate.circuit = next;
    if (before.kind !== 'closed') this.#notClosed--;
    if (next.kind !== 'closed') this.#notClosed++;
    if (next.kind === 'open') this.#empty(gate, 'circuit_open', next.until - this.#clock.now());
    const isNews = next.kind === 'open' || (next.kind === 'closed' && before.kind !== 'closed');
    if (isNews) this.#circuits.changed(id, next);
  }

  /** Lets in whom there is room for now; an open circuit has emptied the queue. */
  #drain(id: WebhookId, gate: Gate): void {
    while (gate.queue.length > 0 && gate.hasRoom && gate.circuit.kind === 'closed') {
      const waitMs = gate.rateWaitMs(this.#clock.monotonic());
      if (waitMs > 0) return this.#drainLater(id, gate, waitMs);
      const next = gate.queue.shift();
      this.#queued--;
      next?.(this.#permit(id, gate));
    }
  }

  /** One timer for a queue: it is set when the queue gets its first, and when one has left. */
  #drainLater(id: WebhookId, gate: Gate, waitMs: number): void {
    if (gate.draining) return;
    gate.draining = true;
    this.#clock.after(Math.ceil(waitMs), () => {
      gate.draining = false;
      this.#drain(id, gate);
    });
  }

  #sendsAway(gate: Gate, now: number): boolean {
    const { slowQueue } = this.#options;
    // A second's worth may queue for a rate, so that its timer is exact and a lane's is not needed.
    if (gate.perSecond !== null && gate.queue.length >= Math.min(slowQueue, Math.ceil(gate.perSecond))) return true;
    return this.#slowness.isSlow(gate, now) && (this.#slowness.hangs(gate, now) || gate.queue.length >= slowQueue);
  }

  #sendAway(gate: Gate, away: AwayReason, atLeastMs: number): Admission {
    const waitMs = awayMs(gate, away, atLeastMs, this.#clock.monotonic(), this.#options.timeScale);
    gate.away++;
    return { away, waitMs };
  }

  /**
   * Empties the queues of endpoints that hang. Those that move on keep theirs, however busy this process is: sending
   * deliveries away because we are slow would only make more work. Forgets endpoints that nothing was sent to for long.
   */
  #sweepLater(): Timer {
    return this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.monotonic();
      if (this.#queued > 0) this.#emptyHanging(now);
      if (now >= this.#forgetAt) this.#forgetIdle(now);
      this.#sweeping = this.#sweepLater();
    });
  }

  #emptyHanging(now: number): void {
    for (const gate of this.#gates.values()) {
      if (gate.queue.length > 0 && this.#slowness.hangs(gate, now)) this.#empty(gate, 'over_cap', 0);
    }
  }

  #forgetIdle(now: number): void {
    this.#forgetAt = now + FORGET_AFTER_MS;
    for (const [id, gate] of this.#gates) {
      if (!gate.isIdle(this.#clock.now()) || gate.rateWaitMs(now) > 0 || now - gate.usedAt <= FORGET_AFTER_MS) continue;
      if (gate.circuit.kind !== 'closed') this.#notClosed--;
      this.#gates.delete(id);
    }
  }

  #empty(gate: Gate, reason: AwayReason, atLeastMs: number): void {
    const queue = gate.queue.splice(0);
    this.#queued -= queue.length;
    for (const resolve of queue) resolve(this.#sendAway(gate, reason, atLeastMs));
  }
}
