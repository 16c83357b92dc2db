import type { DeliveryId, EventId, TenantId, WebhookId } from '../ids.ts';

/** One event for one webhook, as frozen when it was made. Times are milliseconds since the epoch. */
export interface Delivery {
  readonly id: DeliveryId;
  readonly tenant: TenantId;
  readonly webhookId: WebhookId;
  readonly eventId: EventId;
  readonly eventType: string;
  readonly jobId: string | null;
  readonly taskId: string | null;
  readonly eventTime: number;
  readonly createdAt: number;
  /** Asked for by a person: goes out while the webhook is inactive, counts nothing (AC-10). */
  readonly test: boolean;
  readonly bodyBytes: number;
  /** Position in the WEBHOOKS stream of the state that matched: who sends it must know at least that much. */
  readonly webhookRevision: number;
  /** What the body is, when it is not the profile's own. */
  readonly contentType?: 'cloudevents';
  /** Rendered from the webhook's headers template (TH-07). */
  readonly headers?: Readonly<Record<string, string>>;
  /** Why there is no body to send: the event could not be written in the webhook's format. */
  readonly problem?: string;
  /** Ends its job: waits for the job's other deliveries to have been tried (FC-09). */
  readonly last?: true;
  /** Position of its event in EVENTS, for webhooks that keep an order. */
  readonly place?: number;
  /** How many triggers the event has come through; absent: none. */
  readonly hops?: number;
}

/** A delivery and where its body is. */
export interface StoredDelivery extends Delivery {
  /** Position in the DELIVERIES stream. */
  readonly sequence: number;
}

/**
 * Which sending of a delivery: round 0 is the first; a replay starts a round named by the millisecond it was asked
 * for, so that later rounds are larger. Attempts count from 1 within a round.
 */
export interface Turn {
  readonly round: number;
  readonly attempt: number;
}

export const FIRST_TURN: Turn = { round: 0, attempt: 1 };
