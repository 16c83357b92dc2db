import type { StoredDelivery, Turn } from './delivery.ts';

/** Why a delivery waits. */
export type WaitReason = 'backoff' | 'over_cap' | 'circuit_open' | 'rate_limited' | 'replay' | 'order' | 'unusable';

/** Whether a delivery waits because of how its endpoint is, not because of a schedule. */
export const waitsForEndpoint = (reason: WaitReason): boolean =>
  reason === 'over_cap' || reason === 'circuit_open' || reason === 'rate_limited';

/** What RETRIES holds: which turn of which delivery is due when. The body stays in DELIVERIES. */
export interface RetryEntry {
  readonly delivery: StoredDelivery;
  readonly turn: Turn;
  readonly dueAt: number;
  readonly reason: WaitReason;
  /** Trace context of the first attempt, for links. */
  readonly traceparent: string | null;
  /** When the delivery was put into the lanes; absent where it was called, and in entries of older versions. */
  readonly sentAwayAt?: number;
}
