import type { Clock } from '@grapnel/runtime/clock';
import type { ConsumerLag } from '@grapnel/stream/ports';

/** How old a look at the consumer may be, and how long whoever waits for it to move waits before the next. */
const LOOK_AGAIN_MS = 10;
/** Fan-out takes milliseconds; what takes longer is waited for elsewhere. */
const PATIENCE_MS = 2_000;

/**
 * How far fan-out has come. It handles events at once and in several replicas, so that the deliveries of two events may be
 * stored in either order; its consumer's floor says for all replicas, also after a crash, up to where everything is stored.
 */
export class FanOutFloor {
  readonly #lag: () => Promise<ConsumerLag>;
  readonly #clock: Clock;
  #look: Promise<ConsumerLag> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #reached = 0;

  constructor(lag: () => Promise<ConsumerLag>, clock: Clock) {
    this.#lag = lag;
    this.#clock = clock;
  }

  /**
   * A position, `wanted` or later, up to which the deliveries of all events are stored; `null` when it takes too long.
   * `wanted`: of an event that is stored.
   */
  async reached(wanted: number): Promise<number | null> {
    const until = this.#clock.monotonic() + PATIENCE_MS;
    while (this.#reached < wanted) {
      const { ackFloor, pending, ackPending } = await this.#lookOnce();
      // The floor stands at the last message that there was, which may be below the position that is asked about.
      const idle = pending === 0 && ackPending === 0;
      this.#reached = Math.max(this.#reached, ackFloor, idle ? wanted : 0);
      if (this.#reached >= wanted) break;
      if (this.#clock.monotonic() >= until) return null;
      await this.#clock.sleep(LOOK_AGAIN_MS);
    }
    return this.#reached;
  }

  /** One look serves all who wait: the floor only rises, so that an older one is never wrong. */
  #lookOnce(): Promise<ConsumerLag> {
    const now = this.#clock.monotonic();
    if (this.#look !== null && now - this.#lookedAt < LOOK_AGAIN_MS) return this.#look;
    this.#lookedAt = now;
    this.#look = this.#lag();
    return this.#look;
  }
}
