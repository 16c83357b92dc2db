import type { Clock, Timer } from '@grapnel/runtime/clock';
import { type Linked, LinkedList } from '@grapnel/runtime/linked-list';
import type { Received } from '@grapnel/stream/ports';

/** A message that is being worked on. */
class Entry implements Linked {
  readonly message: Received;
  readonly since: number;
  signalledAt: number;
  isLetGo = false;
  /** Gives the place in the consumer's window to the next message. */
  readonly letGo: () => void;
  previous: this | null = null;
  next: this | null = null;

  constructor(message: Received, since: number, letGo: () => void) {
    this.message = message;
    this.since = since;
    this.signalledAt = since;
    this.letGo = letGo;
  }
}

/** A place in the window, and the way out of it. */
export interface Place {
  /** Resolves when the message has left, or takes long. */
  readonly free: Promise<void>;
  leave(): void;
}

const SCAN_MS = 250;
/** After so long the place of a message for a slow endpoint goes to the next one. */
const LET_GO_MS = 500;
/** Of bodies whose places were given up: past this they keep their places, so that no number of slow endpoints fills the memory. */
const MAX_LET_GO_BYTES = 512 * 1_048_576;

/**
 * Messages that are being worked on. Those that take long are kept from being given to another process, so that the
 * acknowledgement's clock can be short and a crash is noticed soon; and they give up their place in the consumer's window,
 * so that an endpoint that hangs holds up nobody. What waits so is bounded by the consumer's own limit, and in bytes.
 */
export class InFlight implements Disposable {
  readonly #messages = new LinkedList<Entry>();
  readonly #clock: Clock;
  readonly #signalEveryMs: number;
  readonly #isSlow: (message: Received) => boolean;
  #timer: Timer;
  #idle: PromiseWithResolvers<void> | null = null;
  #letGoBytes = 0;

  /** `isSlow`: whether a message is for an endpoint that is much slower than the others. */
  constructor(clock: Clock, ackWaitMs: number, isSlow: (message: Received) => boolean) {
    this.#clock = clock;
    this.#isSlow = isSlow;
    this.#signalEveryMs = ackWaitMs / 4;
    this.#timer = this.#schedule();
  }

  get size(): number {
    return this.#messages.size;
  }

  enter(message: Received): Place {
    const { promise: free, resolve } = Promise.withResolvers<void>();
    const entry = new Entry(message, this.#clock.monotonic(), resolve);
    this.#messages.add(entry);
    return { free, leave: () => this.#leave(entry) };
  }

  /** Resolves when nothing is being worked on. */
  async settled(): Promise<void> {
    if (this.#messages.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #letGo(entry: Entry): void {
    const { byteLength } = entry.message.body;
    if (entry.isLetGo || this.#letGoBytes + byteLength > MAX_LET_GO_BYTES) return;
    entry.isLetGo = true;
    this.#letGoBytes += byteLength;
    entry.letGo();
  }

  #leave(entry: Entry): void {
    if (entry.isLetGo) this.#letGoBytes -= entry.message.body.byteLength;
    else entry.letGo();
    this.#messages.remove(entry);
    if (this.#messages.size === 0) this.#idle?.resolve();
  }

  #schedule(): Timer {
    return this.#clock.after(SCAN_MS, () => {
      const now = this.#clock.monotonic();
      // Oldest first: the first young one ends the search.
      for (const entry of this.#messages) {
        if (now - entry.since < LET_GO_MS) break;
        if (this.#isSlow(entry.message)) this.#letGo(entry);
        if (now - entry.signalledAt < this.#signalEveryMs) continue;
        entry.signalledAt = now;
        entry.message.working();
      }
      this.#timer = this.#schedule();
    });
  }
}
