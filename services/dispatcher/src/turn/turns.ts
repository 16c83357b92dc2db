import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import { type Linked, LinkedList } from '@grapnel/runtime/linked-list';
import { LRUCache } from 'lru-cache';

const LISTS = 1_024;

/**
 * Turns that this process has taken. A message comes again when its acknowledgement was lost, or was late because the
 * streams were away: a turn that is over must not be sent twice, and one that is under way must not be begun beside itself.
 */
export class Turns<End> {
  readonly #finished: Remembered;
  /** Newest round of deliveries that were replayed lately. */
  readonly #rounds = new LRUCache<string, number>({ max: 100_000 });
  /** By the delivery's position, so that each list has one or none. */
  readonly #underWay = Array.from({ length: LISTS }, () => new LinkedList<Running<End>>());

  /** `remember`: so many finished turns at the least; only what was acknowledged lately can come again. */
  constructor(remember = 100_000) {
    this.#finished = new Remembered(remember);
  }

  /**
   * Whether a replay asked for since then has taken over: what was waiting of an earlier round is not sent any more, and does
   * not count.
   */
  isSuperseded({ id }: StoredDelivery, { round }: Turn): boolean {
    const newest = this.#rounds.get(id) ?? 0;
    if (round > newest) this.#rounds.set(id, round);
    return round < newest;
  }

  isFinished(key: TurnKey): boolean {
    return this.#finished.has(key);
  }

  finish(key: TurnKey): void {
    this.#finished.add(key);
  }

  /** The same turn, if it is being taken at this moment; otherwise takes it with `take`. */
  once(key: TurnKey, sequence: number, take: () => Promise<End>): Promise<End> {
    const list = this.#underWay[sequence % LISTS] as LinkedList<Running<End>>;
    for (const turn of list) if (turn.key === key) return turn.end;
    const turn = new Running(key, take());
    list.add(turn);
    return turn.end.finally(() => list.remove(turn));
  }
}

/** A turn that is being taken. */
class Running<End> implements Linked {
  readonly key: TurnKey;
  readonly end: Promise<End>;
  previous: this | null = null;
  next: this | null = null;

  constructor(key: TurnKey, end: Promise<End>) {
    this.key = key;
    this.end = end;
  }
}

/** The newest so many keys at the least, and twice as many at the most: two sets that are filled in turn, and never picked from. */
class Remembered {
  readonly #each: number;
  #now = new Set<TurnKey>();
  #before = new Set<TurnKey>();

  constructor(each: number) {
    this.#each = each;
  }

  has(key: TurnKey): boolean {
    return this.#now.has(key) || this.#before.has(key);
  }

  add(key: TurnKey): void {
    this.#now.add(key);
    if (this.#now.size < this.#each) return;
    this.#before = this.#now;
    this.#now = new Set();
  }
}

/** Names one turn of one delivery. Most are first ones, for which a number is enough: it costs no memory of its own. */
export type TurnKey = number | `${number}:${number}:${number}`;

export function turnKeyOf({ sequence }: StoredDelivery, { round, attempt }: Turn): TurnKey {
  return round === 0 && attempt === 1 ? sequence : `${sequence}:${round}:${attempt}`;
}
