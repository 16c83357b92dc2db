import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { lookTwice, type WaitingContext, waitingDeliveries } from './waiting-deliveries.ts';

/**
 * Says at once what would otherwise show only when it is due: deliveries that wait while their webhook is auto-disabled
 * are skipped (AC-18). The rule itself is {@link skipReason}'s, at the due time; the outcome written here is the same one,
 * so that whoever comes second changes nothing, and a history that is away costs nothing but the early notice.
 */
export class WaitingSkipper {
  readonly #context: WaitingContext;
  readonly #running = new Set<Promise<void>>();

  constructor(context: WaitingContext) {
    this.#context = context;
  }

  /** `disabledAt`: by the webhook's own state, milliseconds since the epoch. */
  skip(tenant: TenantId, webhook: WebhookId, disabledAt: number): void {
    const { query, owns, signal, logger } = this.#context;
    if (query === null || !owns(webhook)) return;
    const running: Promise<void> = lookTwice(this.#context, () => this.#look(query, tenant, webhook, disabledAt))
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error, webhook }, 'waiting deliveries are skipped when they are due');
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
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
