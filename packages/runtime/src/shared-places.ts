/** Of the free places, what one holder may have; known from shared packet buffers as a dynamic threshold. */
const SHARE = 1 / 4;

/**
 * Places that many share. Nobody may hold more than a quarter of what is free beside: a fifth for one alone, less the more
 * there are, so that there is room for others however long somebody's are held.
 */
export class SharedPlaces<K> {
  readonly capacity: number;
  readonly #held = new Map<K, number>();
  #free: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity;
  }

  get inUse(): number {
    return this.capacity - this.#free;
  }

  /** `false` when there is none for `holder`; to be released once for each `true`. */
  tryAcquire(holder: K): boolean {
    const held = this.#held.get(holder) ?? 0;
    if (held >= this.#free * SHARE) return false;
    this.#free--;
    this.#held.set(holder, held + 1);
    return true;
  }

  release(holder: K): void {
    const left = (this.#held.get(holder) ?? 0) - 1;
    if (left < 0) throw new Error('released more often than acquired');
    if (left === 0) this.#held.delete(holder);
    else this.#held.set(holder, left);
    this.#free++;
  }
}
