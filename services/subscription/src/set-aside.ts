import { UnreadableMessage } from '@grapnel/contracts/message';
import { encodeSetAside } from '@grapnel/contracts/set-aside-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { Clock } from '@grapnel/runtime/clock';
import { counter } from '@grapnel/runtime/instruments';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams, Received } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';

export interface SetAsideContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often an event is tried in one process, and how long after the first failure; each wait is twice the one before. */
export interface SetAsidePolicy {
  readonly tries: number;
  readonly firstDelayMs: number;
}

/** About three minutes in all: long enough for another replica, perhaps a newer one, to have its try. */
const USUAL: SetAsidePolicy = { tries: 10, firstDelayMs: 1_000 };
const LONGEST_DELAY_MS = 30_000;
const MAX_REASON_CHARS = 1_000;

const setAsideCounter = counter('grapnel.fanout.events.set_aside', {
  description: 'Events that could not be fanned out and were set aside.',
});

/** Events that fail because of us. Tries are counted here, not by the server: it counts outages and restarts as well. */
export class SetAside {
  readonly #context: SetAsideContext;
  readonly #policy: SetAsidePolicy;
  /** By position; of the few that fail. */
  readonly #tries = new Map<number, number>();

  constructor(context: SetAsideContext, policy: SetAsidePolicy = USUAL) {
    this.#context = context;
    this.#policy = policy;
  }

  succeeded({ sequence }: Pick<Received, 'sequence'>): void {
    this.#tries.delete(sequence);
  }

  /** Ends the message: it comes again later, or is stored aside with the reason. What cannot be read is not read again. */
  async failed(message: Received, error: Error, signal: AbortSignal): Promise<void> {
    const { sequence, storedAt } = message;
    const { streams, names, clock, logger } = this.#context;
    const { tries: most, firstDelayMs } = this.#policy;
    const tries = (this.#tries.get(sequence) ?? 0) + 1;
    if (tries < most && !(error instanceof UnreadableMessage)) {
      this.#tries.set(sequence, tries);
      logger.error({ err: error, sequence, tries }, 'an event cannot be fanned out; trying again');
      return message.nak(Math.min(firstDelayMs * 2 ** (tries - 1), LONGEST_DELAY_MS));
    }
    const facts = { reason: error.message.slice(0, MAX_REASON_CHARS), tries, at: clock.now(), storedAt };
    await publishUntilStored(streams, encodeSetAside(message, facts, names), clock, signal);
    this.#tries.delete(sequence);
    message.ack();
    setAsideCounter.add(1);
    logger.error({ err: error, sequence, tries }, 'an event was set aside: see grapnel events set-aside list');
  }
}
