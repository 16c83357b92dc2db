/**
 * Collects small writes and runs them together at the end of the event loop's turn. The NATS client writes to its socket
 * once per microtask turn; a service that publishes and acknowledges from many sockets' callbacks would otherwise make a
 * system call for each, which was a quarter of the dispatcher's time and as much of the server's.
 */
export class Coalesced {
  #writes: (() => void)[] = [];

  add(write: () => void): void {
    this.#writes.push(write);
    if (this.#writes.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const writes = this.#writes;
    this.#writes = [];
    for (const write of writes) write();
  }
}
