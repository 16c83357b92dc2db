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
  /** When the delivery was sent away from its endpoint's gate; absent where it waits for something else. */
  readonly sentAwayAt?: number;
}
