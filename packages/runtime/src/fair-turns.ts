/** A holder has as many waiting as it may. */
export class TooManyWaiting extends Error {
  constructor() {
    super('too many wait already');
    this.name = 'TooManyWaiting';
  }
}

export interface FairTurnsOptions {
  /** How many may be at work at once; one holder has all but one of them at the most. */
  readonly places: number;
  /** How many of one holder may wait for a place. */
  readonly waitingOfOne: number;
}

/** What one holder has. */
interface Share {
  atWork: number;
  readonly line: (() => void)[];
}

/** Places that are given by turns to those who wait for one: a long line of one holder keeps nobody else waiting. */
export class FairTurns<K> {
  readonly #options: FairTurnsOptions;
  readonly #mostOfOne: number;
  /** Of those who have anything here; whose turn was last is last. */
  readonly #shares = new Map<K, Share>();
  #free: number;

  constructor(options: FairTurnsOptions) {
    this.#options = options;
    this.#free = options.places;
    this.#mostOfOne = Math.max(1, options.places - 1);
  }

  /** Does `work` when it is its turn. @throws TooManyWaiting */
  async take<T>(holder: K, work: () => Promise<T>): Promise<T> {
    const share = this.#shareOf(holder);
    if (this.#free > 0 && share.atWork < this.#mostOfOne) this.#begin(share);
    else await this.#wait(share);
    try {
      return await work();
    } finally {
      this.#end(holder, share);
    }
  }

  #shareOf(holder: K): Share {
    let share = this.#shares.get(holder);
    if (share === undefined) this.#shares.set(holder, (share = { atWork: 0, line: [] }));
    return share;
  }

  #begin(share: Share): void {
    this.#free--;
    share.atWork++;
  }

  #wait({ line }: Share): Promise<void> {
    if (line.length >= this.#options.waitingOfOne) throw new TooManyWaiting();
    return new Promise((resolve) => line.push(resolve));
  }

  #end(holder: K, share: Share): void {
    this.#free++;
    share.atWork--;
    if (share.atWork === 0 && share.line.length === 0) this.#shares.delete(holder);
    this.#next();
  }

  /** Lets in the first of the holder whose turn it is; that holder is last then. */
  #next(): void {
    for (const [holder, share] of this.#shares) {
      if (share.line.length === 0 || share.atWork >= this.#mostOfOne) continue;
      this.#shares.delete(holder);
      this.#shares.set(holder, share);
      this.#begin(share);
      share.line.shift()?.();
      return;
    }
  }
}
