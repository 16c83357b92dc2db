import type { AwayReason, Gate } from './gate.ts';

/** Bounds of the wait that a delivery is sent away with; an estimate may be wrong, and then it is wrong for half a minute. */
const AWAY_MS = { min: 1_000, max: 30_000, maxOfRate: 3_600_000 };
/** What waits for one endpoint comes back at most at 500 a second, so that a million of it does not churn. */
const SPREAD_MS = 2;

/**
 * For how long a delivery is sent away from its gate: about as long as those before it will take, so that a big backlog comes
 * back spread out and not all at once. `now` is monotonic; `timeScale` divides every wait but that for a rate.
 */
export function awayMs(gate: Gate, reason: AwayReason, atLeastMs: number, now: number, timeScale: number): number {
  const before = gate.queue.length + gate.away;
  const least = Math.max(atLeastMs + before * SPREAD_MS, AWAY_MS.min / timeScale);
  return Math.max(least, estimateMs(gate, reason, before, now, timeScale));
}

function estimateMs(gate: Gate, reason: AwayReason, before: number, now: number, timeScale: number): number {
  if (reason === 'circuit_open') return 0;
  if (gate.perSecond !== null) return Math.min((before * 1_000) / gate.perSecond, AWAY_MS.maxOfRate);
  const each = Math.max(gate.typicalMs, gate.oldestMs(now));
  return Math.min((each * before) / gate.limit.value, AWAY_MS.max) / timeScale;
}
