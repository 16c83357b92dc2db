import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { WebhookId } from '@grapnel/domain/ids';
import { LRUCache } from 'lru-cache';
import { type LedgerContext, StoredLedger } from './stored-ledger.ts';

/** Webhooks of which it is known at once what they wait for; another's is read again from the streams. */
const MAX_LEDGERS = 200;
/** The end of a job waits for first attempts alone: what waits for its retry must not push others out of sight. */
const WINDOW = 1_000_000;

/**
 * Says when the end of a job may be sent: when every earlier delivery of the job has an outcome (FC-09). Asked of the
 * streams, not of this process's memory, so that it holds across crashes and dispatchers.
 */
export class JobOrder {
  readonly #ledgers = new LRUCache<WebhookId, Promise<StoredLedger>>({ max: MAX_LEDGERS });
  readonly #context: LedgerContext;

  constructor(context: LedgerContext) {
    this.#context = context;
  }

  /** `over`: an outcome says that it was sent, or skipped; only nobody told whoever had it before. */
  async placeOf(end: StoredDelivery): Promise<'next' | 'behind' | 'over'> {
    // Fanned out by hand after it was set aside: the others have gone.
    if (end.place === undefined) return 'next';
    const ledger = await this.#ledgerOf(end.webhookId);
    if (!(await ledger.cover(end))) return 'behind';
    await ledger.hearOthers();
    await ledger.keepUp();
    if (ledger.known.isOver(end)) return 'over';
    return ledger.known.allTriedBefore(end) ? 'next' : 'behind';
  }

  #ledgerOf(webhook: WebhookId): Promise<StoredLedger> {
    const known = this.#ledgers.get(webhook);
    if (known !== undefined) return known;
    const loading = StoredLedger.load(webhook, { window: WINDOW, next: () => {} }, this.#context);
    this.#ledgers.set(webhook, loading);
    loading.catch(() => this.#ledgers.delete(webhook));
    return loading;
  }
}
