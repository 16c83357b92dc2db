import type { Webhook, WebhookEvent } from './webhook.ts';

/** After so many finally failed deliveries in a row a webhook is disabled (AC-18). */
export const AUTO_DISABLE_AFTER = 10;

/** One delivery that came to an end, with its position in the OUTCOMES stream. */
export interface FinalOutcome {
  readonly sequence: number;
  readonly delivered: boolean;
  /** For people: `HTTP 500`, `ECONNREFUSED`. */
  readonly reason: string;
}

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
    if (count >= AUTO_DISABLE_AFTER && webhook.status.kind === 'active') {
      tripped = outcome;
      break;
    }
  }
  const health = { consecutiveFailures: count, coveredSequence: last.sequence };
  if (tripped !== null) {
    const detail = `${count} consecutive deliveries failed; the last with ${tripped.reason}`;
    return { type: 'auto_disabled', at: now, health, detail };
  }
  const unchanged = count === webhook.health.consecutiveFailures && fresh.every((outcome) => outcome.delivered);
  return unchanged ? null : { type: 'health_recorded', at: now, health };
}
