import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import { finalResult, type Outcome } from '@grapnel/domain/delivery/outcome';
import { type AttemptMade, type DeliveryState, merge, pendingState, stateAfter } from './delivery-state.ts';
import type { DeletedWebhook } from './read-message.ts';

/** What a batch of messages does to the read model: each delivery, attempt and webhook at most once. */
export interface Changes {
  readonly deliveries: readonly DeliveryState[];
  readonly attempts: readonly AttemptMade[];
  readonly deletedWebhooks: readonly DeletedWebhook[];
}

export const NO_CHANGES: Changes = { deliveries: [], attempts: [], deletedWebhooks: [] };

export interface SequencedOutcome {
  readonly sequence: number;
  readonly outcome: Outcome;
}

export function changesOfOutcomes(outcomes: readonly SequencedOutcome[]): Changes {
  const deliveries = new Map<string, DeliveryState>();
  const attempts = new Map<string, AttemptMade>();
  for (const { sequence, outcome } of outcomes) {
    const made = attemptOf(outcome, sequence);
    const key = keyOf(outcome.delivery);
    const state = stateAfter(outcome, made);
    const known = deliveries.get(key);
    deliveries.set(key, known === undefined ? state : merge(known, state));
    if (made === null) continue;
    const attempt = `${key}:${made.round}:${made.number}`;
    if (!attempts.has(attempt)) attempts.set(attempt, made);
  }
  return { ...NO_CHANGES, deliveries: [...deliveries.values()], attempts: [...attempts.values()] };
}

export function changesOfDeliveries(stored: readonly StoredDelivery[]): Changes {
  const deliveries = new Map<string, DeliveryState>();
  for (const delivery of stored) {
    const key = keyOf(delivery);
    if (!deliveries.has(key)) deliveries.set(key, pendingState(delivery));
  }
  return { ...NO_CHANGES, deliveries: [...deliveries.values()] };
}

export function changesOfWebhooks(deleted: readonly DeletedWebhook[]): Changes {
  return { ...NO_CHANGES, deletedWebhooks: [...new Map(deleted.map((gone) => [gone.webhookId, gone])).values()] };
}

const keyOf = ({ id, createdAt }: StoredDelivery): string => `${id}:${createdAt}`;

function attemptOf(outcome: Outcome, outcomeSequence: number): AttemptMade | null {
  if (outcome.kind !== 'delivered' && outcome.kind !== 'attempt_failed') return null;
  return {
    delivery: outcome.delivery,
    round: outcome.turn.round,
    number: outcome.turn.attempt,
    attempt: outcome.attempt,
    succeeded: outcome.kind === 'delivered',
    nextAttemptAt: outcome.kind === 'attempt_failed' ? outcome.nextAttemptAt : null,
    result: finalResult(outcome),
    outcomeSequence,
  };
}
