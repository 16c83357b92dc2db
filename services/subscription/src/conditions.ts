import type { Event } from '@grapnel/domain/event/event';
import type { Holds, Matchable } from '@grapnel/domain/match';
import { err, ok, type Result } from '@grapnel/domain/result';
import { compileExpression, type Expression, evaluate } from '@grapnel/expression/expression';

/** What a webhook's condition may speak of. */
const VARIABLES = ['type', 'job_id', 'task_id', 'tags', 'time', 'data'] as const;

/** So many distinct conditions are kept compiled; the least lately used goes first. */
const MAX_COMPILED = 10_000;

/** The conditions of all webhooks, compiled once each, however many webhooks have the same one. */
export class Conditions {
  readonly #compiled = new Map<string, Result<Expression, string>>();

  /** Why a condition cannot be used; `null` when it can. */
  problem(condition: string): string | null {
    const compiled = compileExpression(condition, VARIABLES);
    return compiled.ok ? null : compiled.error;
  }

  /** Asks conditions about one event; `data` is parsed when the first condition is asked, and each is asked once. */
  about(event: Matchable & Pick<Event, 'time'>, data: string): Holds {
    let variables: Record<string, unknown> | null = null;
    const answers = new Map<string, Result<boolean, string>>();
    return (condition) => {
      let answer = answers.get(condition);
      if (answer === undefined) {
        variables ??= variablesOf(event, data);
        answer = this.#ask(condition, variables);
        answers.set(condition, answer);
      }
      return answer;
    };
  }

  #ask(condition: string, variables: Record<string, unknown>): Result<boolean, string> {
    const compiled = this.#of(condition);
    if (!compiled.ok) return compiled;
    const value = evaluate(compiled.value, variables);
    if (!value.ok) return value;
    return typeof value.value === 'boolean' ? ok(value.value) : err('it is neither true nor false');
  }

  #of(condition: string): Result<Expression, string> {
    const known = this.#compiled.get(condition);
    const compiled = known ?? compileExpression(condition, VARIABLES);
    if (known === undefined && this.#compiled.size >= MAX_COMPILED) {
      for (const oldest of this.#compiled.keys()) {
        this.#compiled.delete(oldest);
        break;
      }
    }
    this.#compiled.delete(condition);
    this.#compiled.set(condition, compiled);
    return compiled;
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
