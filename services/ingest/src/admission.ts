/** What may be under way at once, over all callers. */
export interface AdmissionLimit {
  readonly events: number;
  readonly bytes: number;
}

interface Waiting {
  readonly bytes: number;
  admit(): void;
}

/**
 * Bounds the events that were read and are not yet stored, in number and in bytes of data: the memory this service may
 * take. Calls are refused when it is full; streams wait in line, which is what stops reading from them.
 */
export class Admission {
  readonly #limit: AdmissionLimit;
  readonly #line: Waiting[] = [];
  #events = 0;
  #bytes = 0;
  #idle: (() => void)[] = [];

  constructor(limit: AdmissionLimit) {
    this.#limit = limit;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for `events` of `bytes` in all; `false` when there is none, or others are waiting for it. */
  tryEnter(bytes: number, events = 1): boolean {
    if (this.#line.length > 0 || !this.#fits(bytes, events)) return false;
    this.#take(bytes, events);
    return true;
  }

  /** Waits for room, first come, first served. Rejects with the signal's reason. */
  async enter(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryEnter(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        admit: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        this.#admitWaiting();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#line.push(waiting);
    });
  }

  leave(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    this.#admitWaiting();
    if (this.#events === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#events > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #admitWaiting(): void {
    for (let next = this.#line[0]; next !== undefined && this.#fits(next.bytes, 1); next = this.#line[0]) {
      this.#line.shift();
      this.#take(next.bytes, 1);
      next.admit();
    }
  }

  /** One event always fits into an empty house, however small the limit. */
  #fits(bytes: number, events: number): boolean {
    if (this.#events === 0) return true;
    return this.#events + events <= this.#limit.events && this.#bytes + bytes <= this.#limit.bytes;
  }

  #take(bytes: number, events: number): void {
    this.#events += events;
    this.#bytes += bytes;
  }
}
