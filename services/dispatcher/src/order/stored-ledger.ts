import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { type Message, UnreadableMessage } from '@grapnel/contracts/message';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { Checkpoints, EventStreams } from '@grapnel/stream/ports';
import type { FanOutFloor } from './fan-out-floor.ts';
import { firstSince } from './first-since.ts';
import { Ledger, type Open } from './ledger.ts';
import { readUntil } from './read-until.ts';
import { Shared } from './shared.ts';

export interface LedgerContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly checkpoints: Checkpoints;
  readonly floor: FanOutFloor;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LedgerOptions {
  /** So many deliveries are known to wait; what comes behind them is read when these have become fewer. */
  readonly window: number;
  /** Is told of deliveries whose turn it is. */
  readonly next: (open: Open) => void;
}

/** Longer than the fan-out of an event takes, whatever fails on the way. */
const FAN_OUT_MS = 600_000;
/** What other processes write is looked for this seldom; what this one writes it knows. */
const LOOK_AGAIN_MS = 1_000;
/** Servers of a cluster do not have the same time. */
const SKEW_MS = 60_000;
/** The position from which a ledger is read is stored after so many ends. */
const SAVE_EVERY = 500;

/** A webhook's {@link Ledger}, read from the streams: what a crash or another process leaves behind is in it. */
export class StoredLedger {
  readonly #context: LedgerContext;
  readonly #webhook: WebhookId;
  readonly #options: LedgerOptions;
  readonly #reading = new Shared(() => this.#readDeliveries());
  readonly #hearing = new Shared(() => this.#readOutcomes());
  readonly #ledger: Ledger;
  /** Everything of the events up to here has been read. */
  #covered = 0;
  #outcomesRead = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #saved: number;
  #endsSinceSave = 0;

  private constructor(webhook: WebhookId, from: number, options: LedgerOptions, context: LedgerContext) {
    this.#webhook = webhook;
    this.#saved = from;
    this.#ledger = new Ledger(from, options.window);
    this.#options = options;
    this.#context = context;
  }

  static async load(webhook: WebhookId, options: LedgerOptions, context: LedgerContext): Promise<StoredLedger> {
    const { streams, names, checkpoints } = context;
    const outcomes = await streams.newestOn(names.streams.outcomes, names.subjects.outcome(webhook));
    const last = await streams.newestOn(names.streams.deliveries, names.subjects.delivery(webhook));
    const saved = (await checkpoints.load(checkpointOf(webhook)))?.value ?? 0;
    // Positions begin anew in a stream that was made anew.
    const from = last !== null && last.sequence < saved ? 0 : saved;
    const made = new StoredLedger(webhook, from, options, context);
    await made.#readDeliveries(true);
    const oldest = made.#ledger.line.reduce(
      (least, { storedAt }) => Math.min(least, storedAt),
      Number.POSITIVE_INFINITY,
    );
    // With none open: this was looked at first, so what is read of DELIVERIES from now on has no outcome before it.
    made.#outcomesRead = outcomes?.sequence ?? 0;
    if (Number.isFinite(oldest)) {
      made.#outcomesRead = (await firstSince(streams, names.streams.outcomes, oldest - SKEW_MS)) - 1;
      await made.#readOutcomes();
    }
    return made;
  }

  get known(): Pick<Ledger, 'isOver' | 'find' | 'headOf' | 'ahead' | 'heads' | 'allTriedBefore'> {
    return this.#ledger;
  }

  /** Reads a delivery and all that come before it; `false` when fan-out, or the stream's leader, has not come so far. */
  async cover({ id, sequence, place = 0 }: StoredDelivery): Promise<boolean> {
    if (place - 1 <= this.#covered && this.#ledger.find(id) !== null) return true;
    const floor = await this.#context.floor.reached(place - 1);
    if (floor === null) return false;
    await this.#reading.run();
    this.#covered = Math.max(this.#covered, floor);
    return this.#ledger.leftOut || this.#ledger.read >= sequence;
  }

  /** Reads what others may have written. */
  async hearOthers(): Promise<void> {
    if (this.#context.clock.monotonic() - this.#heardAt >= LOOK_AGAIN_MS) await this.#hearing.run();
  }

  hear(outcome: Outcome): void {
    const before = this.#ledger.size;
    const next = this.#ledger.hear(outcome);
    this.#endsSinceSave += before - this.#ledger.size;
    if (next !== null) this.#options.next(next);
  }

  /** Reads what was left out when there is room for it, and stores from where the next process has to read. */
  async keepUp(): Promise<void> {
    if (this.#hasRoom) {
      await this.#reading.run();
      for (const head of this.#ledger.heads()) if (head.away) this.#options.next(head);
    }
    if (this.#endsSinceSave >= SAVE_EVERY) await this.#save();
  }

  /** For what was left out. */
  get #hasRoom(): boolean {
    return this.#ledger.leftOut && this.#ledger.size <= this.#options.window / 2;
  }

  async #save(): Promise<void> {
    this.#endsSinceSave = 0;
    const { checkpoints, logger } = this.#context;
    const ended = this.#ledger.ended();
    if (ended <= this.#saved) return;
    try {
      const known = await checkpoints.load(checkpointOf(this.#webhook));
      await checkpoints.save(checkpointOf(this.#webhook), ended, known?.revision ?? 0);
      this.#saved = ended;
    } catch (error) {
      // An older position only makes the next reader read more.
      logger.warn({ err: error, webhook: this.#webhook }, 'the position of an order was not stored');
    }
  }

  /** `away`: whether the messages that ask for first attempts may have been handled before. */
  async #readDeliveries(away = this.#hasRoom): Promise<void> {
    if (this.#hasRoom) this.#ledger.goBack();
    const { streams, names, clock } = this.#context;
    const stream = names.streams.deliveries;
    const subject = names.subjects.delivery(this.#webhook);
    const last = (await streams.newestOn(stream, subject))?.sequence ?? 0;
    const stretch = { stream, subject, after: this.#ledger.read, last, headersOnly: true };
    let passed = 0;
    for await (const message of readUntil(streams, clock, stretch)) {
      const delivery = readable(message, decodeDelivery);
      this.#ledger.add(message.sequence, delivery, message.storedAt, away);
      passed++;
      const newest = this.#ledger.leftOut ? this.#ledger.line.at(-1) : undefined;
      if (newest !== undefined && message.storedAt > newest.storedAt + FAN_OUT_MS) break;
    }
    // Most of it was of no interest: it need not be read twice.
    if (passed > this.#ledger.size + SAVE_EVERY) this.#endsSinceSave = SAVE_EVERY;
  }

  async #readOutcomes(): Promise<void> {
    const { streams, names, clock } = this.#context;
    this.#heardAt = clock.monotonic();
    const stream = names.streams.outcomes;
    const subject = names.subjects.outcome(this.#webhook);
    const last = (await streams.newestOn(stream, subject))?.sequence ?? 0;
    const stretch = { stream, subject, after: this.#outcomesRead, last, headersOnly: false };
    for await (const message of readUntil(streams, clock, stretch)) {
      const outcome = readable(message, decodeOutcome);
      if (outcome !== null) this.hear(outcome);
      this.#outcomesRead = message.sequence;
      if (this.#ledger.early >= this.#options.window) return;
    }
  }
}

const checkpointOf = (webhook: WebhookId): string => `order.${webhook}`;

/** What cannot be read was dropped by whoever had to handle it, too. */
function readable<T>(message: Message, decode: (message: Message) => T): T | null {
  try {
    return decode(message);
  } catch (error) {
    if (error instanceof UnreadableMessage) return null;
    throw error;
  }
}
