import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import {
  type Attempt,
  type DeliveryStatus,
  INITIAL_VERSION,
  type Outcome,
  type SkipReason,
  statusAfter,
  type Version,
  versionOf,
} from '@grapnel/domain/delivery/outcome';
import { unreachable } from '@grapnel/domain/result';

/** Where a delivery stands, after the outcome of that version. */
export interface Standing {
  readonly version: Version;
  readonly status: DeliveryStatus;
  /** Attempts made in the newest round. */
  readonly attemptNumber: number;
  readonly nextAttemptAt: number | null;
  readonly deliveredAt: number | null;
  readonly skipReason: SkipReason | null;
}

/** One HTTP request of a delivery, with its place among them. */
export interface AttemptMade {
  readonly delivery: StoredDelivery;
  readonly round: number;
  readonly number: number;
  readonly attempt: Attempt;
  readonly succeeded: boolean;
  readonly nextAttemptAt: number | null;
  /** What it adds to the counters. */
  readonly result: 'delivered' | 'failed' | null;
  readonly outcomeSequence: number;
}

/**
 * What the history shows of one delivery. Standing and last attempt each take the newer of two, so that states merge to
 * the same in whatever order they come. Of two with the same version the first stays: it was stored first.
 */
export interface DeliveryState {
  readonly delivery: StoredDelivery;
  readonly standing: Standing;
  readonly lastAttempt: AttemptMade | null;
}

export function pendingState(delivery: StoredDelivery): DeliveryState {
  const standing: Standing = { version: INITIAL_VERSION, status: 'pending', ...NOTHING_YET };
  return { delivery, standing, lastAttempt: null };
}

export function stateAfter(outcome: Outcome, lastAttempt: AttemptMade | null): DeliveryState {
  const standing: Standing = { version: versionOf(outcome), status: statusAfter(outcome), ...details(outcome) };
  return { delivery: outcome.delivery, standing, lastAttempt };
}

export function merge(earlier: DeliveryState, later: DeliveryState): DeliveryState {
  return {
    delivery: earlier.delivery,
    standing: isNewer(later.standing.version, earlier.standing.version) ? later.standing : earlier.standing,
    lastAttempt: isNewer(placeOf(later.lastAttempt), placeOf(earlier.lastAttempt))
      ? later.lastAttempt
      : earlier.lastAttempt,
  };
}

/** Round and number of an attempt; before any there is. */
export const placeOf = (made: AttemptMade | null): readonly [round: number, number: number] =>
  made === null ? [-1, 0] : [made.round, made.number];

function isNewer(a: readonly number[], b: readonly number[]): boolean {
  const differs = a.findIndex((value, i) => value !== b[i]);
  return differs >= 0 && (a[differs] as number) > (b[differs] as number);
}

type Details = Omit<Standing, 'version' | 'status'>;

const NOTHING_YET: Details = { attemptNumber: 0, nextAttemptAt: null, deliveredAt: null, skipReason: null };

function details(outcome: Outcome): Details {
  switch (outcome.kind) {
    case 'delivered': {
      const { startedAt, durationMs } = outcome.attempt;
      return { ...NOTHING_YET, attemptNumber: outcome.turn.attempt, deliveredAt: startedAt + durationMs };
    }
    case 'attempt_failed':
      return { ...NOTHING_YET, attemptNumber: outcome.turn.attempt, nextAttemptAt: outcome.nextAttemptAt };
    case 'skipped':
      return { ...NOTHING_YET, attemptNumber: outcome.turn.attempt - 1, skipReason: outcome.reason };
    case 'replay_requested':
      return NOTHING_YET;
    default:
      return unreachable(outcome);
  }
}
