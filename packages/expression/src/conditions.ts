import { parse } from '@bufbuild/cel';
import { err, ok, type Result } from '@grapnel/domain/result';
import { LRUCache } from 'lru-cache';
import { Allowance } from './budget.ts';
import { compileExpression, type Expression, evaluate } from './expression.ts';
import { neverTrue } from './kinds.ts';

/**
 * Why a text cannot be a condition that speaks of `variables`, which are JSON; `null` when it can. What can be true for no
 * data at all is refused here and not when it is asked: a condition that was saved goes on as it is.
 */
export function conditionProblem(text: string, variables: readonly string[]): string | null {
  const compiled = compileExpression(text, variables);
  return compiled.ok ? neverTrue(parse(text)) : compiled.error;
}

/** Conditions that speak of the same variables, compiled once each; of very many the least lately used go first. */
export class Conditions {
  readonly #variables: readonly string[];
  readonly #compiled: LRUCache<string, Result<Expression, string>>;

  constructor(variables: readonly string[], maxCompiled: number) {
    this.#variables = variables;
    this.#compiled = new LRUCache({ max: maxCompiled });
  }

  /** Whether the condition holds; an error where it cannot be said, or where `allowance` is used up. */
  ask(
    condition: string,
    variables: Record<string, unknown>,
    allowance: Allowance = new Allowance(variables),
  ): Result<boolean, string> {
    const paid = allowance.asking(condition);
    if (!paid.ok) return paid;
    const compiled = this.#of(condition);
    if (!compiled.ok) return compiled;
    const answer = evaluate(compiled.value, variables, allowance);
    if (!answer.ok) return answer;
    return typeof answer.value === 'boolean' ? ok(answer.value) : err('it is neither true nor false');
  }

  #of(condition: string): Result<Expression, string> {
    let compiled = this.#compiled.get(condition);
    if (compiled === undefined) {
      compiled = compileExpression(condition, this.#variables);
      this.#compiled.set(condition, compiled);
    }
    return compiled;
  }
}
