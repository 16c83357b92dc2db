import { celEnv, isCelError, isCelList, isCelMap, parse, plan } from '@bufbuild/cel';
import { err, ok, type Result } from '@grapnel/domain/result';
import { Allowance, METERS, metered } from './budget.ts';
import { childrenOf, nestedLoops, unknownNames } from './syntax.ts';

// CEL by the makers of the protobuf runtime used here: its regular expressions are RE2, which no pattern can stall.

export const MAX_EXPRESSION_CHARS = 2_000;

/** A checked expression, ready to be asked again and again. */
export interface Expression {
  readonly text: string;
  /** @internal */
  readonly loops: number;
  /** @internal */
  readonly run: (variables: Record<string, unknown>) => unknown;
}

/**
 * Checks a CEL expression that may speak of `variables`. The error says what is wrong and where. Loops (`all`, `exists`,
 * `map`, `filter`) may not be nested: one pass over an event's data is a bounded cost, a pass per element is not.
 */
export function compileExpression(text: string, variables: readonly string[]): Result<Expression, string> {
  if (text.trim() === '') return err('must not be empty');
  if (text.length > MAX_EXPRESSION_CHARS) return err(`must be at most ${MAX_EXPRESSION_CHARS} characters`);
  try {
    const parsed = parse(text);
    const unknown = unknownNames(parsed, new Set(variables));
    if (unknown.length > 0) {
      return err(`speaks of ${unknown.join(', ')}; it may speak of ${variables.join(', ')}`);
    }
    if (nestedLoops(parsed)) return err('has a loop inside a loop, which is not allowed');
    const loops = metered(parsed.expr, childrenOf);
    const run = plan(ENVIRONMENT, parsed) as Expression['run'];
    return ok({ text, loops, run });
  } catch (error) {
    return err(`is not a valid expression: ${messageOf(error)}`);
  }
}

const ENVIRONMENT = celEnv(METERS);

/**
 * What the expression comes to for these variables, as JSON; an error where it cannot be evaluated, or where loops or
 * regular expressions would take longer than about a second for data of this size, or than `allowance` has left.
 */
export function evaluate(
  expression: Expression,
  variables: Record<string, unknown>,
  allowance: Allowance = new Allowance(variables),
): Result<unknown, string> {
  try {
    const value = allowance.within(expression.loops, () => expression.run(variables));
    return isCelError(value) ? err(value.message) : ok(plain(value));
  } catch (error) {
    return err(messageOf(error));
  }
}

/** Lists and maps of the language become arrays and objects, whole numbers of any size numbers. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (isCelList(value)) return [...value].map(plain);
  if (isCelMap(value))
    return Object.fromEntries(
      [...value].map(([key, each]) => [`${key as string | number | bigint | boolean}`, plain(each)]),
    );
  return value;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);
