import { UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import { encodeTotals, type LifetimeTotals } from '@grapnel/contracts/totals-codec';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Logger } from '@grapnel/runtime/logger';
import { type EventStreams, WrongLastSequence } from '@grapnel/stream/ports';
import type { ProjectionWriter, Restored } from '../ports.ts';
import { newestReadable } from '../project/stream-end.ts';
import { readTotals } from './check-totals.ts';

export interface LifetimeContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly logger: Logger;
}

/** Totals as they are in the stream, and where. */
interface Published {
  readonly totals: LifetimeTotals;
  readonly position: number;
}

/** Publishes under way at once. */
const AT_ONCE = 256;

/**
 * The totals of webhooks in TOTALS: what their deliveries came to that are about to leave the history, or have left it.
 * Each message says which outcomes it contains, so that it can be published at any time, again, or not quite to the end:
 * whoever begins with it adds the outcomes that it does not contain.
 */
export class Lifetime {
  readonly #context: LifetimeContext;
  readonly #published: Map<WebhookId, Published>;
  readonly #outcomesCreated: string;

  private constructor(context: LifetimeContext, published: Map<WebhookId, Published>, outcomesCreated: string) {
    this.#context = context;
    this.#published = published;
    this.#outcomesCreated = outcomesCreated;
  }

  /** What the stream holds now. */
  static async load(context: LifetimeContext, signal: AbortSignal): Promise<Lifetime> {
    const { streams, names, logger } = context;
    const { created } = await streams.state(names.streams.outcomes);
    const { totals: stream } = names.streams;
    const published = new Map<WebhookId, Published>();
    const end = await newestReadable(streams, stream, names.subjects.allTotals, 0);
    const read = new AbortController();
    const reading = { after: 0, signal: AbortSignal.any([signal, read.signal]) };
    if (end > 0) {
      for await (const message of streams.read(stream, reading)) {
        try {
          const totals = readTotals(message);
          published.set(totals.webhookId, { totals, position: message.sequence });
        } catch (error) {
          if (!(error instanceof UnreadableMessage)) throw error;
          logger.error({ err: error }, 'unreadable totals of a webhook were passed over');
        }
        if (message.sequence >= end) read.abort();
      }
    }
    return new Lifetime(context, published, created);
  }

  get restored(): Restored {
    return {
      totals: [...this.#published.values()].map(({ totals }) => totals),
      outcomesCreated: this.#outcomesCreated,
    };
  }

  /**
   * Publishes what deliveries made before a moment came to, where it is not published yet.
   * @throws StoreUnavailable
   */
  async publish(writer: ProjectionWriter, madeBefore: number): Promise<void> {
    const { outcomes } = this.#context.names.streams;
    const known = [...this.#published.keys()];
    const { checkpoint, webhooks, deleted } = await writer.totalsBefore(madeBefore, outcomes, known);
    await this.forget(deleted);
    if (checkpoint === null) return;
    const { sequence: covered, created: outcomesCreated } = checkpoint;
    const changed = webhooks
      .map((webhook): LifetimeTotals => ({ ...webhook, madeBefore, covered, outcomesCreated }))
      .filter((totals) => this.#isNews(totals));
    const worker = async (): Promise<void> => {
      for (let totals = changed.pop(); totals !== undefined; totals = changed.pop()) await this.#publishOne(totals);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** Removes what is published of webhooks that are gone. */
  async forget(webhooks: readonly WebhookId[]): Promise<void> {
    const { streams, names } = this.#context;
    for (const id of webhooks) {
      if (!this.#published.has(id)) continue;
      await streams.purge(names.streams.totals, names.subjects.totals(id));
      this.#published.delete(id);
    }
  }

  /** Less than before is what an older backup knows, which has not caught up or cannot any more. */
  #isNews(totals: LifetimeTotals): boolean {
    const known = this.#published.get(totals.webhookId)?.totals;
    if (known === undefined) return true;
    if (JSON.stringify(known.days) === JSON.stringify(totals.days)) return false;
    if (sumOf(totals) >= sumOf(known)) return true;
    this.#context.logger.warn({ webhook: totals.webhookId }, 'the history has counted less than its totals say');
    return false;
  }

  async #publishOne(totals: LifetimeTotals): Promise<void> {
    const { streams, names } = this.#context;
    const { webhookId } = totals;
    try {
      const expected = this.#published.get(webhookId)?.position ?? 0;
      const { sequence } = await streams.publish(encodeTotals(totals, expected, names));
      this.#published.set(webhookId, { totals, position: sequence });
    } catch (error) {
      if (!(error instanceof WrongLastSequence)) throw error;
      // Stored by a publish that was not confirmed, or by a projector that took over: the next round starts from there.
      const last = await streams.lastOn(names.streams.totals, names.subjects.totals(webhookId));
      if (last !== null) this.#published.set(webhookId, { totals: readTotals(last), position: last.sequence });
    }
  }
}

const sumOf = ({ days }: Pick<LifetimeTotals, 'days'>): number =>
  days.reduce((sum, { delivered, failed }) => sum + delivered + failed, 0);
