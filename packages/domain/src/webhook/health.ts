import type { Webhook, WebhookEvent } from './webhook.ts';

/** After so many finally failed deliveries in a row a webhook is disabled (AC-18). */
export const AUTO_DISABLE_AFTER = 10;

/** One delivery that came to an end, with its position in the OUTCOMES stream. */
export interface FinalOutcome {
  readonly sequence: number;
  readonly delivered: boolean;
  /** For people: `HTTP 500`, `ECONNREFUSED`. */
  readonly reason: string;
  /** The endpoint said that it is gone, and its profile takes that as the end (ST-03). */
  readonly gone?: boolean;
}

/** Half way to being disabled, somebody should hear of it. */
export const FAILING_AFTER = AUTO_DISABLE_AFTER / 2;

/**
 * Counts ends of deliveries, in stream order, into at most one event. Outcomes that are already covered are passed
 * over, so that reading the same ones again changes nothing. Whenever a failure was among the new ones an event is
 * written, even if the count ends where it began: the covered position must move, or a second replica that read only
 * the failure would count it after the success that followed.
 */
export function recordHealth(webhook: Webhook, outcomes: readonly FinalOutcome[], now: number): WebhookEvent | null {
  const fresh = outcomes.filter((outcome) => outcome.sequence > webhook.health.coveredSequence);
  const last = fresh.at(-1);
  if (last === undefined) return null;

  let count = webhook.health.consecutiveFailures;
  let tripped: FinalOutcome | null = null;
  for (const outcome of fresh) {
    count = outcome.delivered ? 0 : count + 1;
    const ends = count >= AUTO_DISABLE_AFTER || outcome.gone === true;
    if (ends && webhook.status.kind === 'active') {
      tripped = outcome;
      break;
    }
  }
  const health = { consecutiveFailures: count, coveredSequence: last.sequence };
  if (tripped !== null) {
    const detail =
      tripped.gone === true
        ? 'the endpoint answered 410 Gone'
        : `${count} consecutive deliveries failed; the last with ${tripped.reason}`;
    return { type: 'auto_disabled', at: now, health, detail };
  }
  const unchanged = count === webhook.health.consecutiveFailures && fresh.every((outcome) => outcome.delivered);
  if (unchanged) return null;
  const failing = count >= FAILING_AFTER && webhook.health.consecutiveFailures < FAILING_AFTER;
  return { type: 'health_recorded', at: now, health, ...(failing ? { failing } : {}) };
}
