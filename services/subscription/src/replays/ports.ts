import type { DeliveryId, TenantId, WebhookId } from '@grapnel/domain/ids';
import type { ReplayFilter } from '@grapnel/domain/replay/replay';

/** A delivery that the history has found for a replay. */
export interface FoundDelivery {
  readonly id: DeliveryId;
  /** Position in DELIVERIES. */
  readonly sequence: number;
  /** Of its newest sending: 0 for the first, else which replay. */
  readonly round: number;
  readonly test: boolean;
  readonly createdAt: number;
}

/** The delivery history, as replays need it. Methods reject with RpcError. */
export interface History {
  /** Newest first; `token` is where a page begins, `null` for the first and after the last. */
  page(
    question: { readonly tenant: TenantId; readonly webhookId: WebhookId; readonly filter: ReplayFilter },
    size: number,
    token: string | null,
    signal: AbortSignal,
  ): Promise<{ readonly deliveries: readonly FoundDelivery[]; readonly next: string | null }>;
  /** Round of a delivery's newest sending. */
  roundOf(tenant: TenantId, webhookId: WebhookId, id: DeliveryId, signal: AbortSignal): Promise<number>;
}

export type QueueResult = 'queued' | 'not_found' | 'body_expired' | 'webhook_inactive';

/** The dispatchers, as replays need them. Rejects with RpcError. */
export interface Dispatchers {
  /** Asking again in the same round sends nothing twice. */
  replay(
    of: { readonly tenant: TenantId; readonly webhookId: WebhookId; readonly round: number },
    deliveries: readonly { readonly id: DeliveryId; readonly sequence: number }[],
    signal: AbortSignal,
  ): Promise<readonly QueueResult[]>;
}
