import type { Event } from '@grapnel/domain/event/event';
import type { Holds, Matchable } from '@grapnel/domain/match';
import type { Result } from '@grapnel/domain/result';
import { Allowance } from '@grapnel/expression/budget';
import { Conditions, conditionProblem } from '@grapnel/expression/conditions';

/** What a webhook's condition may speak of. */
const VARIABLES = ['type', 'job_id', 'task_id', 'tags', 'time', 'data'] as const;

/** Distinct conditions that are kept compiled, over all webhooks. */
const MAX_COMPILED = 10_000;

/** What the conditions of all webhooks may cost over one event, in about microseconds at most. */
const MAX_COST_PER_EVENT = 4_000_000;

/** Why a webhook cannot have this condition; `null` when it can. */
export const webhookConditionProblem = (condition: string): string | null => conditionProblem(condition, VARIABLES);

/** The conditions of all webhooks, compiled once each, however many webhooks have the same one. */
export class WebhookConditions {
  readonly #conditions = new Conditions(VARIABLES, MAX_COMPILED);
  readonly #maxCostPerEvent: number;

  constructor(maxCostPerEvent: number = MAX_COST_PER_EVENT) {
    this.#maxCostPerEvent = maxCostPerEvent;
  }

  /**
   * Asks conditions about one event; `data` is parsed when the first condition is asked, and each is asked once. Together
   * they have an allowance: who asks in the same order gets the same answers, those past its end included.
   */
  about(event: Matchable & Pick<Event, 'time'>, data: string): Holds {
    let asked: { readonly variables: Record<string, unknown>; readonly allowance: Allowance } | null = null;
    const answers = new Map<string, Result<boolean, string>>();
    return (condition) => {
      let answer = answers.get(condition);
      if (answer === undefined) {
        asked ??= this.#asked(variablesOf(event, data));
        answer = this.#conditions.ask(condition, asked.variables, asked.allowance);
        answers.set(condition, answer);
      }
      return answer;
    };
  }

  #asked(variables: Record<string, unknown>) {
    return { variables, allowance: new Allowance(variables, this.#maxCostPerEvent) };
  }
}

function variablesOf(event: Matchable & Pick<Event, 'time'>, data: string): Record<string, unknown> {
  return {
    type: event.type,
    job_id: event.jobId ?? '',
    task_id: event.taskId ?? '',
    tags: [...(event.tags ?? [])],
    time: new Date(event.time).toISOString(),
    // Plain numbers: a condition compares, it does not copy.
    data: JSON.parse(data) as unknown,
  };
}
