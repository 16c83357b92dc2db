import type { LimitBounds } from './limit.ts';
import type { SlownessBounds } from './slowness.ts';

export interface GateOptions extends LimitBounds, SlownessBounds {
  /** So many may queue for a slow or rate-limited endpoint; what queues for the others is bounded by their partition's window. */
  readonly slowQueue: number;
  /** Divides every wait. */
  readonly timeScale: number;
}

export const DEFAULT_GATES: GateOptions = {
  initial: 16,
  max: 64,
  slowAfterMs: 100,
  hangsAfterMs: 2_000,
  slowQueue: 32,
  timeScale: 1,
};
