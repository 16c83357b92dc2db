import type { Clock, Timer } from '@grapnel/runtime/clock';

export interface BatchLimits {
  readonly maxBatchEvents: number;
  readonly maxBatchBytes: number;
  readonly lingerMs: number;
  readonly maxCalls: number;
}

interface Sized {
  readonly bytes: number;
}

/**
 * Collects what is added into batches and hands them to `call`, a few at once. A batch goes when it is full; when no
 * call is under way, as soon as the present work of the process is done; otherwise after a moment's waiting for company.
 */
export class Batcher<T extends Sized> {
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  readonly #call: (batch: readonly T[]) => Promise<void>;
  #queue: T[] = [];
  #queuedBytes = 0;
  #calls = 0;
  #linger: Timer | null = null;
  #soon = false;
  /** The queue has waited long enough. */
  #due = false;

  /** `call` must not reject. */
  constructor(limits: BatchLimits, clock: Clock, call: (batch: readonly T[]) => Promise<void>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#call = call;
  }

  add(item: T): void {
    this.#queue.push(item);
    this.#queuedBytes += item.bytes;
    this.#pump();
  }

  #pump(): void {
    while (this.#calls < this.#limits.maxCalls && (this.#full() || (this.#due && this.#queue.length > 0))) {
      this.#calls++;
      void this.#call(this.#take()).finally(() => {
        this.#calls--;
        this.#pump();
      });
    }
    if (this.#queue.length > 0 && !this.#due) this.#wait();
  }

  #full(): boolean {
    return this.#queue.length >= this.#limits.maxBatchEvents || this.#queuedBytes >= this.#limits.maxBatchBytes;
  }

  #take(): T[] {
    const { maxBatchEvents, maxBatchBytes } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const item of this.#queue) {
      if (count === maxBatchEvents || (count > 0 && bytes + item.bytes > maxBatchBytes)) break;
      bytes += item.bytes;
      count++;
    }
    this.#queuedBytes -= bytes;
    this.#linger?.cancel();
    this.#linger = null;
    this.#due = false;
    return this.#queue.splice(0, count);
  }

  #wait(): void {
    const due = (): void => {
      this.#linger = null;
      this.#soon = false;
      this.#due = true;
      this.#pump();
    };
    if (this.#calls > 0) {
      this.#linger ??= this.#clock.after(this.#limits.lingerMs, due);
    } else if (!this.#soon) {
      this.#soon = true;
      setImmediate(due);
    }
  }
}
