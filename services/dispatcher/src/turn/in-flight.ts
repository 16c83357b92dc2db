import type { Clock, Timer } from '@grapnel/runtime/clock';
import type { Received } from '@grapnel/stream/ports';

interface Entry {
  readonly since: number;
  signalledAt: number;
  /** Gives the place in the consumer's window to the next message. */
  readonly letGo: () => void;
}

const SCAN_MS = 250;
/** After so long the place of a message for a slow endpoint goes to the next one. */
const LET_GO_MS = 500;

/**
 * Messages that are being worked on. Those that take long are kept from being given to another process, so that the
 * acknowledgement's clock can be short and a crash is noticed soon; and they give up their place in the consumer's window,
 * so that an endpoint that hangs holds up nobody. What waits so is bounded by the consumer's own limit.
 */
export class InFlight implements Disposable {
  readonly #messages = new Map<Received, Entry>();
  readonly #clock: Clock;
  readonly #signalEveryMs: number;
  readonly #isSlow: (message: Received) => boolean;
  #timer: Timer;
  #idle: PromiseWithResolvers<void> | null = null;

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

  /** Resolves when the message has left, or takes long. */
  enter(message: Received): Promise<void> {
    const since = this.#clock.monotonic();
    return new Promise((letGo) => this.#messages.set(message, { since, signalledAt: since, letGo }));
  }

  leave(message: Received): void {
    this.#messages.get(message)?.letGo();
    this.#messages.delete(message);
    if (this.#messages.size === 0) this.#idle?.resolve();
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

  #schedule(): Timer {
    return this.#clock.after(SCAN_MS, () => {
      const now = this.#clock.monotonic();
      // Oldest first: the first young one ends the search.
      for (const [message, entry] of this.#messages) {
        if (now - entry.since < LET_GO_MS) break;
        if (this.#isSlow(message)) entry.letGo();
        if (now - entry.signalledAt < this.#signalEveryMs) continue;
        entry.signalledAt = now;
        message.working();
      }
      this.#timer = this.#schedule();
    });
  }
}
