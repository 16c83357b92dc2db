import type { DeliveryStatus } from '../delivery/outcome.ts';
import type { DeliveryId, ReplayId, TenantId, WebhookId } from '../ids.ts';

/** Pending deliveries are about to be sent anyway. */
export const REPLAYABLE = ['failed', 'skipped', 'delivered', 'retrying'] as const satisfies readonly DeliveryStatus[];
export type ReplayableStatus = (typeof REPLAYABLE)[number];

/** Which deliveries of the webhook are meant. Times are of their creation, milliseconds since the epoch. */
export interface ReplayFilter {
  /** Never empty. */
  readonly statuses: readonly ReplayableStatus[];
  /** Inclusive; `null` for as far back as the history reaches. */
  readonly from: number | null;
  /** Exclusive. */
  readonly to: number;
  /** Types, or `family.*`; empty: all. */
  readonly eventTypes: readonly string[];
}

/** How a replay stands, delivery by delivery. */
export interface ReplayCounts {
  /** What the filter has found. */
  readonly found: number;
  /** Handed to the dispatchers. */
  readonly queued: number;
  /** Tests, and what somebody has replayed since. */
  readonly skipped: number;
  /** Payload no longer kept. */
  readonly failed: number;
}

export const NOTHING_COUNTED: ReplayCounts = { found: 0, queued: 0, skipped: 0, failed: 0 };

/** Deliveries that are asked for together, written down before they are: whoever goes on after a crash asks for the same. */
export interface ReplayPage {
  readonly deliveries: readonly { readonly id: DeliveryId; readonly sequence: number }[];
  /** How many more the page held that are not to be sent. */
  readonly skipped: number;
  /** Where the next page begins; `null` after the last. */
  readonly next: string | null;
  /** When the oldest delivery of the page was created. */
  readonly position: number | null;
}

/** Which process works on a replay, and since when it was not heard of. */
export interface Lease {
  readonly runner: string;
  readonly at: number;
}

export type ReplayStatus =
  | { readonly kind: 'requested' }
  /** `lease`: `null` when the process that had it has stopped. */
  | { readonly kind: 'running'; readonly lease: Lease | null }
  | { readonly kind: 'finished'; readonly at: number }
  | { readonly kind: 'cancelled'; readonly at: number }
  | { readonly kind: 'failed'; readonly at: number; readonly detail: string };

/** A job that sends many deliveries of one webhook again, newest first. */
export interface Replay {
  readonly id: ReplayId;
  readonly tenant: TenantId;
  readonly webhookId: WebhookId;
  readonly filter: ReplayFilter;
  readonly ratePerSecond: number;
  /** Of every sending it makes; the time it was asked for. */
  readonly round: number;
  readonly status: ReplayStatus;
  readonly counts: ReplayCounts;
  /** Under way; `null` before the first and after the last. */
  readonly page: ReplayPage | null;
  /** Everything created after this time is done; `null` before the first page is. */
  readonly position: number | null;
  readonly createdAt: number;
}

/** Everything that can happen to a replay. Times are milliseconds since the epoch. */
export type ReplayEvent =
  | {
      readonly type: 'requested';
      readonly at: number;
      readonly id: ReplayId;
      readonly tenant: TenantId;
      readonly webhookId: WebhookId;
      readonly filter: ReplayFilter;
      readonly ratePerSecond: number;
    }
  | { readonly type: 'claimed'; readonly at: number; readonly runner: string }
  /** The page before is done, with these counts; this one is next. */
  | {
      readonly type: 'advanced';
      readonly at: number;
      readonly runner: string;
      readonly done: ReplayCounts;
      readonly page: ReplayPage;
    }
  | { readonly type: 'renewed'; readonly at: number; readonly runner: string }
  | { readonly type: 'released'; readonly at: number }
  | { readonly type: 'finished'; readonly at: number; readonly done: ReplayCounts }
  | { readonly type: 'cancelled'; readonly at: number }
  /** The page that was under way at the cancellation is counted. */
  | { readonly type: 'settled'; readonly at: number; readonly done: ReplayCounts }
  | { readonly type: 'failed'; readonly at: number; readonly detail: string };

/** Neither finished nor cancelled nor failed. */
export const isUnderWay = ({ status }: Replay): boolean => status.kind === 'requested' || status.kind === 'running';
