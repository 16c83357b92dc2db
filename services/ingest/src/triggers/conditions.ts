import { type AskCondition, SCOPE_NAMES } from '@grapnel/domain/trigger/flow';
import { Conditions } from '@grapnel/expression/conditions';

/** Distinct conditions that are kept compiled, over all flows. */
const MAX_COMPILED = 1_000;

/** Asks conditions of flows, compiled once each. */
export function flowConditions(): AskCondition {
  const conditions = new Conditions(SCOPE_NAMES, MAX_COMPILED);
  // Plain numbers: a condition compares, it does not copy.
  return (text, scope) => conditions.ask(text, JSON.parse(JSON.stringify(scope)) as Record<string, unknown>);
}
