import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import { orderKeyOf } from '@grapnel/domain/delivery/order-key';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId } from '@grapnel/domain/ids';

/** A delivery that has not come to its end. */
export interface Open {
  readonly id: DeliveryId;
  /** Position in DELIVERIES. */
  readonly sequence: number;
  readonly storedAt: number;
  /** Position of its event. */
  readonly place: number;
  readonly key: string;
  /** When its next attempt is due; `null` before its first. */
  retryAt: number | null;
  /** Whether the message that asked for its first attempt may be gone: somebody has to call it when its turn comes. */
  away: boolean;
}

/**
 * The deliveries of one webhook that have not come to their ends, by key and in the order of their events. It is told what
 * DELIVERIES and OUTCOMES say; an outcome may be told before its delivery is. Of more than it may hold it keeps those that
 * come first, and knows from where to read the others again.
 */
export class Ledger {
  readonly #max: number;
  readonly #open = new Map<DeliveryId, Open>();
  /** All of them, and those of each key, by place. */
  readonly #line: Open[] = [];
  readonly #keys = new Map<string, Open[]>();
  /** Of deliveries that are yet to be read, or to be read again: that they have ended, or when their retries are due. */
  readonly #early = new Map<DeliveryId, 'ended' | number>();
  #read: number;
  /** The least of what was left out. */
  #left: { readonly sequence: number; readonly place: number } | null = null;

  /** `after`: everything in DELIVERIES up to here has ended. */
  constructor(after: number, max: number) {
    this.#read = after;
    this.#max = max;
  }

  /** Where reading DELIVERIES goes on. */
  get read(): number {
    return this.#read;
  }

  /** Whether there was more than it may hold. */
  get leftOut(): boolean {
    return this.#left !== null;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Outcomes that wait for their deliveries to be read. */
  get early(): number {
    return this.#early.size;
  }

  /** All of them, by place. */
  get line(): readonly Open[] {
    return this.#line;
  }

  *heads(): Generator<Open> {
    for (const [head] of this.#keys.values()) if (head !== undefined) yield head;
  }

  find(id: DeliveryId): Open | null {
    return this.#open.get(id) ?? null;
  }

  headOf(key: string): Open | null {
    return this.#keys.get(key)?.[0] ?? null;
  }

  /** Whether it is known, and everything before it in its key has been tried. */
  allTriedBefore({ id }: StoredDelivery): boolean {
    const open = this.#open.get(id);
    const line = open === undefined ? null : (this.#keys.get(open.key) ?? []);
    return line !== null && line.slice(0, indexIn(line, open?.place ?? 0)).every(({ retryAt }) => retryAt !== null);
  }

  /** How many of its key come before it. */
  ahead(open: Open): number {
    return indexIn(this.#keys.get(open.key) ?? [], open.place);
  }

  /** Everything in DELIVERIES up to here has ended. */
  ended(): number {
    const oldest = this.#line.reduce((least, { sequence }) => Math.min(least, sequence), this.#read + 1);
    return Math.min(oldest, this.#firstLeft) - 1;
  }

  /** Whether it is known to have come to its end. */
  isOver({ id, sequence }: StoredDelivery): boolean {
    return this.#early.get(id) === 'ended' || (!this.#willBeRead(sequence) && !this.#open.has(id));
  }

  /** Goes back to what was left out, now that there is room. */
  goBack(): void {
    if (this.#left === null) return;
    this.#read = this.#left.sequence - 1;
    this.#left = null;
  }

  /** What DELIVERIES holds at a position; `null` what is no delivery. `away` as in {@link Open}. */
  add(sequence: number, delivery: StoredDelivery | null, storedAt: number, away: boolean): void {
    this.#read = Math.max(this.#read, sequence);
    // Without a place: made while the webhook kept no order, or a test. Known already: stored again by a late repeat.
    if (delivery?.place === undefined || this.#open.has(delivery.id)) return;
    const { id, place } = delivery;
    const early = this.#early.get(id);
    if (early === 'ended') return void this.#early.delete(id);
    // What comes before those it holds is held too; they are few, for fan-out keeps the order but for what it does at once.
    const behind = this.#open.size >= this.#max && place > (this.#line.at(-1)?.place ?? 0);
    if (behind || place > (this.#left?.place ?? Number.POSITIVE_INFINITY)) {
      this.#left = {
        sequence: Math.min(sequence, this.#firstLeft),
        place: Math.min(place, this.#left?.place ?? place),
      };
      return;
    }
    const open: Open = { id, sequence, storedAt, place, key: orderKeyOf(delivery), retryAt: early ?? null, away };
    this.#early.delete(id);
    this.#open.set(id, open);
    insert(this.#line, open);
    const line = this.#keys.get(open.key);
    if (line === undefined) this.#keys.set(open.key, [open]);
    else insert(line, open);
  }

  /** Tells what came of a delivery; returns the delivery whose turn it is thereby, if there is one. */
  hear(outcome: Outcome): Open | null {
    const { id, sequence, place } = outcome.delivery;
    const open = this.#open.get(id);
    const early = place !== undefined && this.#willBeRead(sequence);
    if (outcome.kind === 'attempt_failed' && outcome.nextAttemptAt !== null) {
      if (open !== undefined) open.retryAt = outcome.nextAttemptAt;
      else if (early && this.#early.get(id) !== 'ended') this.#early.set(id, outcome.nextAttemptAt);
      return null;
    }
    // A replay is a wish of its own, outside the order; what it replays holds up nobody any more.
    if (early) this.#early.set(id, 'ended');
    return open === undefined ? null : this.#remove(open);
  }

  get #firstLeft(): number {
    return this.#left?.sequence ?? Number.POSITIVE_INFINITY;
  }

  #willBeRead(sequence: number): boolean {
    return sequence > this.#read || sequence >= this.#firstLeft;
  }

  /** Returns the one that is the first of its key thereby. */
  #remove(open: Open): Open | null {
    this.#open.delete(open.id);
    this.#line.splice(indexIn(this.#line, open.place), 1);
    const line = this.#keys.get(open.key) ?? [];
    const at = indexIn(line, open.place);
    line.splice(at, 1);
    if (line.length === 0) this.#keys.delete(open.key);
    return at === 0 ? (line[0] ?? null) : null;
  }
}

function insert(line: Open[], open: Open): void {
  line.splice(indexIn(line, open.place), 0, open);
}

/** Where a place is, or would be. One event makes one delivery for a webhook, so that places are distinct. */
function indexIn(line: readonly Open[], place: number): number {
  let low = 0;
  let high = line.length;
  // Nearly always at one of the ends: fan-out keeps the order but for a few, and the first ends first.
  if (high > 0 && (line[high - 1] as Open).place < place) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((line[middle] as Open).place < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
