/** A holder has as many waiting as it may. */
export class TooManyWaiting extends Error {
  constructor() {
    super('too many wait already');
    this.name = 'TooManyWaiting';
  }
}

export interface FairTurnsOptions {
  /** How many may be at work at once. */
  readonly places: number;
  /** How many of one holder may wait for a place. */
  readonly waitingOfOne: number;
}

/** Places that are given by turns to those who wait for one: a long line of one holder keeps nobody else waiting. */
export class FairTurns<K> {
  readonly #options: FairTurnsOptions;
  /** Who waits, by holder: the holder whose turn is next is first. */
  readonly #lines = new Map<K, (() => void)[]>();
  #free: number;

  constructor(options: FairTurnsOptions) {
    this.#options = options;
    this.#free = options.places;
  }

  /** Does `work` when it is its turn. @throws TooManyWaiting, the signal's reason when that aborted before its turn */
  async take<T>(holder: K, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#wait(holder);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#next();
    }
  }

  #wait(holder: K): Promise<void> {
    const line = this.#lines.get(holder) ?? [];
    if (line.length >= this.#options.waitingOfOne) throw new TooManyWaiting();
    if (line.length === 0) this.#lines.set(holder, line);
    return new Promise((resolve) => line.push(resolve));
  }

  /** Hands a place on to the first of the holder whose turn it is; that holder is last then. */
  #next(): void {
    for (const [holder, line] of this.#lines) {
      this.#lines.delete(holder);
      const first = line.shift();
      if (line.length > 0) this.#lines.set(holder, line);
      if (first !== undefined) return first();
    }
    this.#free++;
  }
}
