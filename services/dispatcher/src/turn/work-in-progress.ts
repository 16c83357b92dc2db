import type { Busyness } from '@grapnel/runtime/busyness';
import type { Clock } from '@grapnel/runtime/clock';
import { type Linked, LinkedList } from '@grapnel/runtime/linked-list';

/** Where a turn comes from. */
export type TurnKind = 'first' | 'due' | 'bulk';

/** Of the places that are wanted by several kinds; what one leaves the others take. */
const SHARES: Readonly<Record<TurnKind, number>> = { first: 4, due: 2, bulk: 1 };
const KINDS = Object.keys(SHARES) as TurnKind[];

export interface WorkInProgressBounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** `max`: of turns that may all want the CPU in the next moment. */
const DEFAULT_BOUNDS: WorkInProgressBounds = { initial: 256, min: 64, max: 8_192 };

const LOOK_MS = 25;
/** A turn that takes so long waits for somebody: for a customer, or for the streams. */
const LONG_MS = 500;
/** Busier than this, more turns at once would only make each take longer. */
const BUSY = 0.97;
/** Less busy than this, turns wait for others: for customers, or for the streams. */
const IDLE = 0.85;
const SHRINK = 0.95;
const GROW = { slowly: 1.1, fast: 1.5 };

class Waiting implements Linked {
  readonly begin: () => void;
  previous: this | null = null;
  next: this | null = null;

  constructor(begin: () => void) {
    this.begin = begin;
  }
}

/** A turn that is being taken. */
class Running implements Linked {
  readonly kind: TurnKind;
  readonly since: number;
  hasPlace = true;
  previous: this | null = null;
  next: this | null = null;

  constructor(kind: TurnKind, since: number) {
    this.kind = kind;
    this.since = since;
  }
}

/**
 * How many turns are taken at once: as many as keep this process busy, and no more. With slow customers these are thousands that
 * wait; with fast ones further turns wait for the CPU, and all that belongs to them has to be kept, moved by the collector and
 * fetched into the caches meanwhile. So while turns wait here, the limit follows how busy the process is, and a turn that takes
 * long gives its place to another: however many endpoints hang, those of others have theirs.
 */
export class WorkInProgress {
  readonly #clock: Clock;
  readonly #busyness: Busyness;
  readonly #bounds: WorkInProgressBounds;
  readonly #waiting: Readonly<Record<TurnKind, LinkedList<Waiting>>> = {
    first: new LinkedList(),
    due: new LinkedList(),
    bulk: new LinkedList(),
  };
  /** Those with a place, oldest first; and how many that are. */
  readonly #running = new LinkedList<Running>();
  readonly #places: Record<TurnKind, number> = { first: 0, due: 0, bulk: 0 };
  #total = 0;
  #limit: number;
  #looking = false;

  constructor(clock: Clock, busyness: Busyness, bounds: WorkInProgressBounds = DEFAULT_BOUNDS) {
    this.#clock = clock;
    this.#busyness = busyness;
    this.#bounds = bounds;
    this.#limit = bounds.initial;
  }

  /** Turns that may be taken at once. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Turns that wait for their beginning. */
  get waiting(): number {
    return KINDS.reduce((sum, kind) => sum + this.#waiting[kind].size, 0);
  }

  /** Takes a turn as soon as there is room, those of a kind in their order. */
  async run<T>(kind: TurnKind, turn: () => Promise<T>): Promise<T> {
    if (this.#total < this.limit) this.#takePlace(kind);
    else await this.#wait(kind);
    const running = new Running(kind, this.#clock.monotonic());
    this.#running.add(running);
    try {
      return await turn();
    } finally {
      this.#giveBack(running);
      this.#admit();
    }
  }

  #takePlace(kind: TurnKind): void {
    this.#places[kind]++;
    this.#total++;
  }

  #giveBack(running: Running): void {
    if (!running.hasPlace) return;
    running.hasPlace = false;
    this.#running.remove(running);
    this.#places[running.kind]--;
    this.#total--;
  }

  #wait(kind: TurnKind): Promise<void> {
    if (!this.#looking) {
      // What was before the first had to wait does not count.
      this.#busyness();
      this.#lookLater();
    }
    return new Promise((resolve) => this.#waiting[kind].add(new Waiting(resolve)));
  }

  #admit(): void {
    while (this.#total < this.limit) {
      const kind = this.#neediest();
      if (kind === null) return;
      const list = this.#waiting[kind];
      const next = list.first as Waiting;
      list.remove(next);
      this.#takePlace(kind);
      next.begin();
    }
  }

  /** The kind that has least of its share. */
  #neediest(): TurnKind | null {
    let neediest: TurnKind | null = null;
    for (const kind of KINDS) {
      if (this.#waiting[kind].size === 0) continue;
      if (neediest === null || this.#has(kind) < this.#has(neediest)) neediest = kind;
    }
    return neediest;
  }

  #has(kind: TurnKind): number {
    return this.#places[kind] / SHARES[kind];
  }

  /** Looks from time to time while turns wait. */
  #lookLater(): void {
    this.#looking = true;
    this.#clock.after(LOOK_MS, () => this.#adapt());
  }

  #adapt(): void {
    this.#looking = false;
    if (this.waiting === 0) return;
    const { min, max } = this.#bounds;
    const busyness = this.#busyness();
    this.#limit = Math.min(max, Math.max(min, this.#limit * factor(busyness)));
    // In a process that is busy they may wait for nothing but the CPU.
    if (busyness <= BUSY) this.#passOverLong();
    this.#admit();
    if (this.waiting > 0) this.#lookLater();
  }

  #passOverLong(): void {
    const longAgo = this.#clock.monotonic() - LONG_MS;
    for (const running of this.#running) {
      if (running.since > longAgo) return;
      this.#giveBack(running);
    }
  }
}

function factor(busyness: number): number {
  if (busyness > BUSY) return SHRINK;
  return busyness > IDLE ? GROW.slowly : GROW.fast;
}
