import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import { LRUCache } from 'lru-cache';

/**
 * Turns that this process has taken. A message comes again when its acknowledgement was lost, or was late because the
 * streams were away: a turn that is over must not be sent twice, and one that is under way must not be begun beside itself.
 */
export class Turns<End> {
  /** Bounded, because only what was acknowledged lately can come again. */
  readonly #finished: LRUCache<string, true>;
  /** Newest round of deliveries that were replayed lately. */
  readonly #rounds = new LRUCache<string, number>({ max: 100_000 });
  readonly #underWay = new Map<string, Promise<End>>();

  constructor(max = 200_000) {
    this.#finished = new LRUCache({ max });
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
    this.#finished.set(key, true);
  }

  /** The same turn, if it is being taken at this moment; otherwise takes it with `take`. */
  once(key: TurnKey, take: () => Promise<End>): Promise<End> {
    const running = this.#underWay.get(key);
    if (running !== undefined) return running;
    const taking = take().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, taking);
    return taking;
  }
}

/** Names one turn of one delivery. */
export type TurnKey = `${string}:${number}:${number}`;

export const turnKeyOf = ({ id }: StoredDelivery, { round, attempt }: Turn): TurnKey => `${id}:${round}:${attempt}`;
