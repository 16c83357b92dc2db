/** What is in a {@link LinkedList} carries its own links; in at most one list at a time. */
export interface Linked {
  previous: this | null;
  next: this | null;
}

/**
 * Items in the order in which they came, each taken out in constant time wherever it stands. For what comes and goes thousands
 * of times a second: a Map or a Set that is filled and emptied so is copied again and again inside the engine, every old copy
 * refers to the next, and once the collector has moved one of them to the old space, all that were ever in it live until the
 * next full collection.
 */
export class LinkedList<T extends Linked> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | null {
    return this.#first;
  }

  add(item: T): void {
    item.previous = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size++;
  }

  /** The item must be in this list. */
  remove(item: T): void {
    const { previous, next } = item;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    item.previous = null;
    item.next = null;
    this.#size--;
  }

  /** Oldest first. The item that was just given may be removed meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let item = this.#first; item !== null; ) {
      const { next } = item;
      yield item;
      item = next;
    }
  }
}
