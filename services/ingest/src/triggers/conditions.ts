import { err, ok } from '@grapnel/domain/result';
import { type AskCondition, SCOPE_NAMES } from '@grapnel/domain/trigger/flow';
import { compileExpression, type Expression, evaluate } from '@grapnel/expression/expression';

/** So many distinct expressions are kept compiled; the least lately used goes first. */
const MAX_COMPILED = 1_000;

/** Asks conditions of flows, compiled once each. */
export function flowConditions(): AskCondition {
  const compiled = new Map<string, Expression>();
  return (text, scope) => {
    let expression = compiled.get(text);
    if (expression === undefined) {
      const made = compileExpression(text, SCOPE_NAMES);
      if (!made.ok) return made;
      expression = made.value;
    }
    compiled.delete(text);
    compiled.set(text, expression);
    const [oldest] = compiled.keys();
    if (compiled.size > MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
    // Plain numbers: a condition compares, it does not copy.
    const answer = evaluate(expression, JSON.parse(JSON.stringify(scope)) as Record<string, unknown>);
    if (!answer.ok) return answer;
    return typeof answer.value === 'boolean' ? ok(answer.value) : err('it is neither true nor false');
  };
}
