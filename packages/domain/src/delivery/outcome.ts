import { unreachable } from '../result.ts';
import type { StoredDelivery, Turn } from './delivery.ts';

export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** As sent, the signature included: it tells nothing about the secret. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The first 1,000 characters. */
  readonly body: string;
}

export interface AttemptError {
  /** `ETIMEDOUT`, `ECONNREFUSED`, `PRIVATE_IP_BLOCKED`, `HTTP_500`, … */
  readonly code: string;
  readonly message: string;
}

/** One HTTP request and what came of it. */
export interface Attempt {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly request: SentRequest;
  readonly response: ReceivedResponse | null;
  readonly error: AttemptError | null;
  readonly remoteAddress: string | null;
}

/**
 * Why a delivery was not sent. `message_expired`: its body is no longer kept; `too_old`: it is past the webhook's time to live;
 * `not_renderable`: the event could not be written in the webhook's format.
 */
export const SKIP_REASONS = [
  'webhook_deactivated',
  'webhook_auto_disabled',
  'message_expired',
  'too_old',
  'not_renderable',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What OUTCOMES holds: everything a history row needs, so that the history outlives the bodies. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly delivery: StoredDelivery; readonly turn: Turn; readonly attempt: Attempt }
  | {
      readonly kind: 'attempt_failed';
      readonly delivery: StoredDelivery;
      readonly turn: Turn;
      readonly attempt: Attempt;
      /** When the next one is due; `null` when this was the last. */
      readonly nextAttemptAt: number | null;
    }
  | {
      readonly kind: 'skipped';
      readonly delivery: StoredDelivery;
      /** The turn that was not taken. */
      readonly turn: Turn;
      readonly reason: SkipReason;
      readonly at: number;
    }
  | {
      readonly kind: 'replay_requested';
      readonly delivery: StoredDelivery;
      readonly round: number;
      readonly at: number;
    };

export type DeliveryStatus = 'pending' | 'retrying' | 'delivered' | 'failed' | 'skipped';

export function statusAfter(outcome: Outcome): DeliveryStatus {
  switch (outcome.kind) {
    case 'delivered':
      return 'delivered';
    case 'attempt_failed':
      return outcome.nextAttemptAt === null ? 'failed' : 'retrying';
    case 'skipped':
      return 'skipped';
    case 'replay_requested':
      return 'pending';
    default:
      return unreachable(outcome);
  }
}

/** Orders the states of one delivery, whatever order their outcomes arrive in: compare element by element. */
export type Version = readonly [round: number, attempt: number, rank: number];

export const INITIAL_VERSION: Version = [0, 0, 0];

export function versionOf(outcome: Outcome): Version {
  switch (outcome.kind) {
    // Above a failure of the same attempt: after a crash a turn may be repeated and succeed.
    case 'delivered':
      return [outcome.turn.round, outcome.turn.attempt, 2];
    case 'attempt_failed':
      return [outcome.turn.round, outcome.turn.attempt, 1];
    case 'skipped':
      return [outcome.turn.round, outcome.turn.attempt, 0];
    case 'replay_requested':
      return [outcome.round, 0, 0];
    default:
      return unreachable(outcome);
  }
}

/** Whether the delivery has come to an end that counts: delivered or finally failed, not a test. */
export function finalResult(outcome: Outcome): 'delivered' | 'failed' | null {
  if (outcome.delivery.test) return null;
  if (outcome.kind === 'delivered') return 'delivered';
  return outcome.kind === 'attempt_failed' && outcome.nextAttemptAt === null ? 'failed' : null;
}

/** For people: why the last attempt did not succeed. */
export function failureReason(attempt: Attempt): string {
  return attempt.response !== null && attempt.error?.code.startsWith('HTTP_') === true
    ? `HTTP ${attempt.response.status}`
    : (attempt.error?.code ?? 'unknown');
}
