interface Waiting {
  readonly bytes: number;
  enter(): void;
}

/** Bounds what was handed in and is not yet settled, in events and bytes; whoever comes later waits in line. */
export class Room {
  readonly #limit: { readonly events: number; readonly bytes: number };
  readonly #line: Waiting[] = [];
  #events = 0;
  #bytes = 0;

  constructor(limit: { readonly events: number; readonly bytes: number }) {
    this.#limit = limit;
  }

  /** `false` while an event, however small, would have to wait. */
  get free(): boolean {
    return this.#line.length === 0 && this.#fits(1);
  }

  /** `true` when the place was taken at once. */
  tryEnter(bytes: number): boolean {
    if (this.#line.length > 0 || !this.#fits(bytes)) return false;
    this.#take(bytes);
    return true;
  }

  enter(bytes: number): Promise<void> {
    if (this.tryEnter(bytes)) return Promise.resolve();
    return new Promise((resolve) => this.#line.push({ bytes, enter: resolve }));
  }

  leave(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    for (let next = this.#line[0]; next !== undefined && this.#fits(next.bytes); next = this.#line[0]) {
      this.#line.shift();
      this.#take(next.bytes);
      next.enter();
    }
  }

  /** One event always fits when there is no other. */
  #fits(bytes: number): boolean {
    if (this.#events === 0) return true;
    return this.#events < this.#limit.events && this.#bytes + bytes <= this.#limit.bytes;
  }

  #take(bytes: number): void {
    this.#events++;
    this.#bytes += bytes;
  }
}
