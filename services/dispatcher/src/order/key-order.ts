import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { encodeDueEntry } from '@grapnel/contracts/retry-codec';
import { FIRST_TURN, type StoredDelivery, type Turn } from '@grapnel/domain/delivery/delivery';
import { orderKeyOf } from '@grapnel/domain/delivery/order-key';
import { type Outcome, statusAfter } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId, WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { LRUCache } from 'lru-cache';
import type { Open } from './ledger.ts';
import { type LedgerContext, StoredLedger } from './stored-ledger.ts';

export interface KeyOrderContext extends LedgerContext {
  /** Divides every wait. */
  readonly timeScale: number;
  readonly signal: AbortSignal;
}

/** Webhooks whose orders are known at once; another's is read again from the streams. */
const MAX_LEDGERS = 200;
const WINDOW = 10_000;
/** Who may wait here for the delivery before it: less than half of a partition's window, so that no order fills it. */
const MAX_PARKED = { all: 64, perWebhook: 16 };
const PARK_MS = 2_000;
/** Estimate of what each delivery before it takes, and bounds of the wait in a lane that comes of it. */
const TYPICAL_MS = 100;
const AWAY_MS = { min: 10_000, max: 3_600_000 };
/** What cannot be known yet is looked at again after so long. */
const LOOK_AGAIN_MS = 1_000;
/** Longer than an attempt may take: what whoever had the webhook before had under way has ended by then. */
const UNDER_WAY_MS = 70_000;
/** A retry that is overdue for so long was lost: a process crashed between the outcome and the entry. */
const LOST_AFTER_MS = 60_000;

interface Parked {
  readonly webhookId: WebhookId;
  readonly key: string;
  readonly resume: () => void;
}

/**
 * Keeps the order of `strict` webhooks: a delivery is sent when every earlier one of its key has come to its end. What is
 * earlier, and what has ended, is asked of the streams ({@link StoredLedger}), so that it holds across crashes and
 * dispatchers. Who has to wait waits here for a moment while few do, else in a lane; when its turn comes it is called, and
 * the lane is only what remains should the call be lost.
 */
export class KeyOrder implements Disposable {
  readonly #context: KeyOrderContext;
  readonly #ledgers = new LRUCache<WebhookId, Promise<StoredLedger>>({ max: MAX_LEDGERS });
  readonly #parked = new Map<DeliveryId, Parked>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(context: KeyOrderContext) {
    this.#context = context;
  }

  /** Whether a delivery has come to its end, so that whatever asks for a turn of it comes late. */
  async isOver(delivery: StoredDelivery): Promise<boolean> {
    return (await this.#ledgerOf(delivery.webhookId)).known.isOver(delivery);
  }

  /** `null` when it is the delivery's turn; else the time at which it should ask again. */
  async waitFor(delivery: StoredDelivery, turn: Turn): Promise<number | null> {
    // It was its turn when it was first tried, and is until it has ended.
    if (turn.attempt > 1) return null;
    const ledger = await this.#ledgerOf(delivery.webhookId);
    if (!(await ledger.cover(delivery))) return this.#after(LOOK_AGAIN_MS);
    const open = ledger.known.find(delivery.id);
    // Behind more than may be known at once, or ended in this moment.
    if (open === null) return this.#after(ledger.known.isOver(delivery) ? 0 : AWAY_MS.max);
    const isFirst = (): boolean => ledger.known.headOf(open.key) === open;
    if (!isFirst() && this.#soon(ledger, open)) await this.#park(delivery.webhookId, open);
    if (!isFirst()) await ledger.hearOthers();
    if (!isFirst()) return this.#away(ledger, open);
    // Tried already, and asked for again by an entry that came late: its retry will come.
    const lostAt = open.retryAt === null ? 0 : open.retryAt + this.#scaled(LOST_AFTER_MS);
    return lostAt > this.#context.clock.now() ? lostAt : null;
  }

  /** Tells what came of a delivery; who waits for it is called. */
  heard(outcome: Outcome): void {
    const ledger = this.#ledgers.get(outcome.delivery.webhookId);
    if (ledger === undefined) return;
    this.#run(async () => {
      const known = await ledger;
      known.hear(outcome);
      if (statusAfter(outcome) === 'retrying') this.#unpark(outcome.delivery);
      await known.keepUp();
    });
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Lets those who wait here go to their lanes. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { resume } of this.#parked.values()) resume();
  }

  #ledgerOf(webhook: WebhookId): Promise<StoredLedger> {
    const known = this.#ledgers.get(webhook);
    if (known !== undefined) return known;
    const loading = this.#load(webhook);
    this.#ledgers.set(webhook, loading);
    loading.catch(() => {
      if (this.#ledgers.peek(webhook) === loading) this.#ledgers.delete(webhook);
    });
    return loading;
  }

  /**
   * Also calls those whose turn it is by now: whoever should have done it may have crashed. One whose message may still be
   * with somebody, who may be sending it, is called when that must have come to an end.
   */
  async #load(webhook: WebhookId): Promise<StoredLedger> {
    const { streams, names, clock } = this.#context;
    const consumer = names.consumers.dispatch(partitionOf(webhook, names.partitions));
    const { ackFloor } = await streams.lag(names.streams.deliveries, consumer);
    let loaded = false;
    const next = (open: Open): void => {
      if (loaded) this.#call(webhook, open);
    };
    const ledger = await StoredLedger.load(webhook, { window: WINDOW, next }, this.#context);
    loaded = true;
    const perhapsUnderWay = new Set<DeliveryId>();
    for (const head of ledger.known.heads()) {
      if (head.sequence <= ackFloor) this.#call(webhook, head);
      else perhapsUnderWay.add(head.id);
    }
    if (perhapsUnderWay.size > 0) {
      clock.after(this.#scaled(UNDER_WAY_MS), () => this.#callLate(webhook, perhapsUnderWay));
    }
    return ledger;
  }

  #callLate(webhook: WebhookId, late: ReadonlySet<DeliveryId>): void {
    const loaded = this.#ledgers.peek(webhook);
    // Who reads it again calls by what it reads then.
    if (loaded === undefined || this.#closed) return;
    this.#run(async () => {
      const ledger = await loaded;
      await ledger.hearOthers();
      for (const head of ledger.known.heads()) if (late.has(head.id)) this.#call(webhook, head);
    });
  }

  /** Whether the delivery before may end in a moment: then it is worth to wait for it here. */
  #soon(ledger: StoredLedger, open: Open): boolean {
    const retryAt = ledger.known.headOf(open.key)?.retryAt ?? 0;
    return retryAt <= this.#context.clock.now() && ledger.known.ahead(open) < MAX_PARKED.perWebhook;
  }

  async #park(webhookId: WebhookId, { id, key }: Open): Promise<void> {
    const ofWebhook = [...this.#parked.values()].filter((other) => other.webhookId === webhookId).length;
    if (this.#closed || this.#parked.size >= MAX_PARKED.all || ofWebhook >= MAX_PARKED.perWebhook) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.clock.after(PARK_MS, resolve);
    this.#parked.set(id, { webhookId, key, resume: resolve });
    await promise;
    timer.cancel();
    this.#parked.delete(id);
  }

  /** What comes before them will be tried again later: they need not wait for that here. */
  #unpark(before: StoredDelivery): void {
    const key = orderKeyOf(before);
    for (const parked of this.#parked.values()) {
      if (parked.webhookId === before.webhookId && parked.key === key) parked.resume();
    }
  }

  /** The lane's wait; the delivery is called before, unless the call is lost. */
  #away(ledger: StoredLedger, open: Open): number {
    open.away = true;
    const retryAt = ledger.known.headOf(open.key)?.retryAt ?? 0;
    const waitMs = Math.min(Math.max(ledger.known.ahead(open) * TYPICAL_MS, AWAY_MS.min), AWAY_MS.max);
    return Math.max(this.#after(waitMs), retryAt + this.#scaled(AWAY_MS.min));
  }

  /** It is this delivery's turn. One that neither waits here nor has gone away is on its way here by itself. */
  #call(webhook: WebhookId, open: Open): void {
    const parked = this.#parked.get(open.id);
    if (parked !== undefined) parked.resume();
    else if (open.away && open.retryAt === null) this.#run(() => this.#publishDue(webhook, open));
  }

  async #publishDue(webhook: WebhookId, { id, sequence }: Open): Promise<void> {
    const { streams, names, clock, signal } = this.#context;
    const message = await streams.get(names.streams.deliveries, sequence);
    // Aged out of its stream: the entry in the lane says so when it is due.
    if (message === null) return;
    const delivery = decodeDelivery(message);
    if (delivery.id !== id || delivery.webhookId !== webhook) return;
    const entry = { delivery, turn: FIRST_TURN, dueAt: clock.now(), reason: 'order', traceparent: null } as const;
    await publishUntilStored(streams, encodeDueEntry(entry, `order:${id}`, names), clock, signal);
  }

  #run(work: () => Promise<void>): void {
    const { logger, signal } = this.#context;
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error }, 'a delivery that waits for its turn is left to its lane');
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #after(ms: number): number {
    return this.#context.clock.now() + this.#scaled(ms);
  }

  #scaled(ms: number): number {
    return ms / this.#context.timeScale;
  }
}
