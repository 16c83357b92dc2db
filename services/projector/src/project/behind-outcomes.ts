import type { Message } from '@grapnel/contracts/message';
import type { Clock } from '@grapnel/runtime/clock';
import type { Changes } from './changes.ts';
import type { WrittenLately } from './written-lately.ts';

/** A batch of deliveries of which so few have no outcome waits for these no longer. */
const FEW = 0.1;
/** After so long a delivery is shown as pending, whatever it costs. */
const LONGEST_MS = 3_000;
/** Outcomes of which none came for so long: nothing more of them comes at the moment. */
const QUIET_MS = 500;
const LOOK_MS = 50;

/** How far OUTCOMES is projected. */
export interface Progress {
  /** When the stream stored the newest of what is projected. */
  readonly reached: number;
  /** For how long nothing has been projected, in milliseconds; 0 while something is. */
  readonly idleMs: number;
}

/**
 * Keeps DELIVERIES behind OUTCOMES, however far these are behind. Most deliveries have their row from their outcome; one
 * that says first that they are pending would have it written twice, with all its indexes. It goes by the times of the
 * streams, so that a rebuild spares as much as live traffic does.
 */
export class BehindOutcomes {
  readonly #clock: Clock;
  readonly #outcomes: Progress;
  readonly #written: WrittenLately;

  constructor(clock: Clock, outcomes: Progress, written: WrittenLately) {
    this.#clock = clock;
    this.#outcomes = outcomes;
    this.#written = written;
  }

  /** What is left to write of a batch that ends with `newest`, when it need not wait any longer. */
  async remaining(changes: Changes, { storedAt }: Message, signal: AbortSignal): Promise<Changes> {
    const few = changes.deliveries.length * FEW;
    for (;;) {
      const deliveries = this.#written.without(changes.deliveries);
      const { reached, idleMs } = this.#outcomes;
      const waits = deliveries.length > few && reached < storedAt + LONGEST_MS && idleMs < QUIET_MS;
      if (!waits || signal.aborted) return { ...changes, deliveries };
      await this.#clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }
}
