import type { Event } from '@grapnel/domain/event/event';
import { LRUCache } from 'lru-cache';

const MAX_SECONDS = 50_000;

/**
 * Knows which events look like another of the same tenant and type when their time is cut to seconds: receivers that
 * recognise repeats by type and time would drop the second one. The first of a second stays as it is.
 */
export class Lookalikes {
  readonly #first = new LRUCache<string, string>({ max: MAX_SECONDS });

  has({ tenant, type, time, id }: Event): boolean {
    const second = `${tenant} ${type} ${Math.floor(time / 1_000)}`;
    const first = this.#first.get(second);
    if (first === undefined) this.#first.set(second, id);
    return first !== undefined && first !== id;
  }
}
