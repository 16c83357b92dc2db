import { CelScalar, celFunc, type parse } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { err, ok, type Result } from '@grapnel/domain/result';
import { statesOf } from './pattern-cost.ts';

type Parsed = ReturnType<typeof parse>;
type Expr = NonNullable<Parsed['expr']>;

/** Units of work that one evaluation may cost; a unit is about a microsecond. */
const MAX_COST = 1_000_000;
/** Characters of the variables that a pass of a loop may look at for one unit more. */
const CHARS_PER_UNIT = 10_000;
/** Characters that a regular expression looks at for one unit. */
const MATCHED_CHARS_PER_UNIT = 20;
/** States of a regular expression that it costs twice as much to match with. */
const STATES_PER_DOUBLE = 20;
/** Making a regular expression ready, beside its states. */
const COMPILING = 10;
/** A state made ready. */
const UNITS_PER_STATE = 2;

export const TOO_EXPENSIVE = 'costs too much for data of this size';
const TOO_MUCH_TOGETHER =
  'was not asked to its end: the conditions before it have used up what those of one event may cost';
/** To make an expression ready and to ask it, beside what it does: a small part, and one for its length. */
const ASKING = 20;
const CHARS_TO_ASK_PER_UNIT = 2;

/** No identifier of the language: only {@link metered} can put it into an expression. */
const SPEND = '@spend';

// Evaluation is synchronous, so there is one at a time.
let left = 0;
let perPass = 1;

function spend(units: number): true {
  left -= units;
  if (left < 0) throw new Error(TOO_EXPENSIVE);
  return true;
}

/** What the environment needs so that loops and regular expressions pay for what they do. */
export const METERS = {
  funcs: [celFunc(SPEND, [], CelScalar.BOOL, () => spend(perPass))],
  re2: {
    compile(pattern: string) {
      const states = statesOf(pattern) ?? Number.POSITIVE_INFINITY;
      spend(COMPILING + states * UNITS_PER_STATE);
      const compiled = RE2JS.compile(pattern);
      return {
        test(text: string): boolean {
          spend((text.length / MATCHED_CHARS_PER_UNIT) * (1 + states / STATES_PER_DOUBLE));
          return compiled.test(text);
        },
      };
    },
  },
};

/** Puts a payment into every loop, before each pass. The number of loops is returned. */
export function metered(expr: Expr | undefined, childrenOf: (expr: Expr) => Expr[]): number {
  if (expr === undefined) return 0;
  if (expr.exprKind.case !== 'comprehensionExpr') {
    return childrenOf(expr).reduce((loops, child) => loops + metered(child, childrenOf), 0);
  }
  const loop = expr.exprKind.value;
  const { iterRange, accuInit, loopCondition, loopStep, result } = loop;
  let loops = 1;
  for (const part of [iterRange, accuInit, loopCondition, loopStep, result]) loops += metered(part, childrenOf);
  if (loopCondition !== undefined) {
    loop.loopCondition = call(expr.id, '_?_:_', [call(expr.id, SPEND, []), loopCondition, constant(expr.id, false)]);
  }
  return loops;
}

function call(id: bigint, name: string, args: Expr[]): Expr {
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args };
  return { $typeName: 'cel.expr.Expr', id, exprKind: { case: 'callExpr', value } };
}

function constant(id: bigint, value: boolean): Expr {
  const constantKind = { case: 'boolValue' as const, value };
  return {
    $typeName: 'cel.expr.Expr',
    id,
    exprKind: { case: 'constExpr', value: { $typeName: 'cel.expr.Constant', constantKind } },
  };
}

/** What several evaluations over the same variables may cost together. */
export class Allowance {
  readonly #variables: Record<string, unknown>;
  #left: number;
  #chars: number | null = null;

  constructor(variables: Record<string, unknown>, units = Number.POSITIVE_INFINITY) {
    this.#variables = variables;
    this.#left = units;
  }

  /** Pays for asking one more expression; why not, when there is nothing left. The same whether it was ready or not. */
  asking(text: string): Result<null, string> {
    this.#left -= ASKING + text.length / CHARS_TO_ASK_PER_UNIT;
    return this.#left < 0 ? err(TOO_MUCH_TOGETHER) : ok(null);
  }

  /** Runs `work` with a new budget; an exhausted one is an error whatever the expression made of it. */
  within<T>(loops: number, work: () => T): T {
    const budget = Math.min(MAX_COST, this.#left);
    left = budget;
    // What a pass looks at is bounded by everything there is to look at.
    perPass = loops === 0 ? 1 : 1 + Math.floor(this.#size() / CHARS_PER_UNIT);
    try {
      const result = work();
      if (left < 0) throw new Error(TOO_EXPENSIVE);
      return result;
    } catch (error) {
      throw left < 0 && budget < MAX_COST ? new Error(TOO_MUCH_TOGETHER) : error;
    } finally {
      this.#left -= budget - Math.max(left, 0);
    }
  }

  #size(): number {
    this.#chars ??= JSON.stringify(this.#variables).length;
    return this.#chars;
  }
}
