import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { waitingDeliveries } from './waiting-deliveries.ts';

export interface SkipperContext {
  /** To the delivery history; `null` leaves everything to the moment when it is due. */
  readonly query: Channel | null;
  /** Whether a webhook's deliveries are ours: one dispatcher does this, not all. */
  readonly owns: (webhook: WebhookId) => boolean;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The history is a moment behind; a second look finds what the first came too early for. */
const LOOKS_AFTER_MS = [500, 5_000];

/**
 * Says at once what would otherwise show only when it is due: deliveries that wait while their webhook is auto-disabled
 * are skipped (AC-18). The rule itself is {@link skipReason}'s, at the due time; the outcome written here is the same one,
 * so that whoever comes second changes nothing, and a history that is away costs nothing but the early notice.
 */
export class WaitingSkipper {
  readonly #context: SkipperContext;
  readonly #running = new Set<Promise<void>>();

  constructor(context: SkipperContext) {
    this.#context = context;
  }

  /** `disabledAt`: by the webhook's own state, milliseconds since the epoch. */
  skip(tenant: TenantId, webhook: WebhookId, disabledAt: number): void {
    const { query, owns, signal, logger } = this.#context;
    if (query === null || !owns(webhook)) return;
    const running: Promise<void> = this.#looks(query, tenant, webhook, disabledAt)
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error, webhook }, 'waiting deliveries are skipped when they are due');
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #looks(query: Channel, tenant: TenantId, webhook: WebhookId, disabledAt: number): Promise<void> {
    const { clock, signal } = this.#context;
    for (const afterMs of LOOKS_AFTER_MS) {
      await clock.sleep(afterMs, signal);
      await this.#look(query, tenant, webhook, disabledAt);
    }
  }

  async #look(query: Channel, tenant: TenantId, webhook: WebhookId, disabledAt: number): Promise<void> {
    const { signal } = this.#context;
    for await (const { sequence, round, attemptNumber, test } of waitingDeliveries(query, tenant, webhook, signal)) {
      const turn = { round: Number(round), attempt: attemptNumber + 1 };
      if (!test && turn.round < disabledAt) await this.#skip(Number(sequence), turn, disabledAt);
    }
  }

  async #skip(sequence: number, turn: { round: number; attempt: number }, disabledAt: number): Promise<void> {
    const { streams, names, clock, signal } = this.#context;
    const message = await streams.get(names.streams.deliveries, sequence);
    if (message === null) return;
    const delivery = decodeDelivery(message);
    if (delivery.createdAt >= disabledAt) return;
    const outcome = { kind: 'skipped', delivery, turn, reason: 'webhook_auto_disabled', at: clock.now() } as const;
    await publishUntilStored(streams, encodeOutcome(outcome, names), clock, signal);
  }
}
