import { type CelFunc, celEnv, type parse } from '@bufbuild/cel';
import { childrenOf } from './syntax.ts';

type Parsed = ReturnType<typeof parse>;
type Expr = NonNullable<Parsed['expr']>;
type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type Loop = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

/** The kinds that a value may have, by the names that the language gives to its types. */
type Kinds = ReadonlySet<string>;

/** Variables are JSON, whose numbers are doubles whatever they look like. */
const JSON_KINDS: Kinds = new Set(['null_type', 'bool', 'double', 'string', 'list', 'map']);
const BOOL: Kinds = new Set(['bool']);
/** Of what cannot be said anything about. */
const ANY: Kinds = new Set(['dyn']);

/** The functions of the language by name, and how its operators are written where they are functions as well. */
const FUNCTIONS = Map.groupBy([...celEnv({}).funcs], ({ name }) => name);
const CALLABLE = [...FUNCTIONS.keys()].filter((name) => /^\w+$/.test(name)).toSorted();
const CONSTANTS: Readonly<Record<string, string>> = {
  boolValue: 'bool',
  bytesValue: 'bytes',
  doubleValue: 'double',
  int64Value: 'int',
  nullValue: 'null_type',
  stringValue: 'string',
  uint64Value: 'uint',
};

/**
 * Why an expression can be true for no data at all: it calls what is no function, gives a function what that never
 * takes, or comes to something that is neither true nor false. `null` when it may be true. Only what holds for every
 * data is refused: what is unknown until then may be anything.
 */
export function neverTrue({ expr }: Parsed): string | null {
  const reading = new Reading();
  const kinds = reading.kindsOf(expr, new Map());
  if (reading.problem !== null) return reading.problem;
  return may(kinds, BOOL) ? null : `must come to true or false, and this comes to ${shown(kinds)}`;
}

class Reading {
  /** The first thing that is wrong. */
  problem: string | null = null;

  kindsOf(expr: Expr | undefined, bound: ReadonlyMap<string, Kinds>): Kinds {
    if (expr === undefined) return ANY;
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return new Set([CONSTANTS[exprKind.value.constantKind.case ?? ''] ?? 'dyn']);
      case 'identExpr':
        return bound.get(exprKind.value.name) ?? (TYPE_NAMES.has(exprKind.value.name) ? ANY : JSON_KINDS);
      case 'selectExpr':
        this.kindsOf(exprKind.value.operand, bound);
        return exprKind.value.testOnly ? BOOL : JSON_KINDS;
      case 'callExpr':
        return this.#call(exprKind.value, bound);
      case 'comprehensionExpr':
        return this.#loop(exprKind.value, bound);
      default:
        for (const child of childrenOf(expr)) this.kindsOf(child, bound);
        if (exprKind.case === 'listExpr') return new Set(['list']);
        return exprKind.case === 'structExpr' && exprKind.value.messageName === '' ? new Set(['map']) : ANY;
    }
  }

  #call({ function: name, target, args }: Call, bound: ReadonlyMap<string, Kinds>): Kinds {
    const of = target === undefined ? null : this.kindsOf(target, bound);
    const given = args.map((arg) => this.kindsOf(arg, bound));
    switch (name) {
      case '_&&_':
      case '_||_':
      case '@not_strictly_false':
        for (const kinds of given) this.#mustBeBool(kinds, SYMBOLS[name] ?? name);
        return BOOL;
      case '_?_:_':
        this.#mustBeBool(given[0] ?? ANY, '?:');
        return new Set([...(given[1] ?? ANY), ...(given[2] ?? ANY)]);
      case '_[_]':
        return JSON_KINDS;
      default:
        return this.#result(name, of, given);
    }
  }

  #result(name: string, target: Kinds | null, given: readonly Kinds[]): Kinds {
    const all = FUNCTIONS.get(name);
    if (all === undefined) {
      return this.#wrong(`calls ${name}, which is no function here; it may call ${CALLABLE.join(', ')}`);
    }
    const fitting = all.filter((one) => fits(one, target, given));
    if (fitting.length > 0) return new Set(fitting.map(({ result }) => result.name));
    const operands = (target === null ? given : [target, ...given]).map(shown).join(' and ');
    return this.#wrong(
      `gives ${SYMBOLS[name] ?? name} what it never takes (${operands}); it takes ${all.map(taken).join(' or ')}`,
    );
  }

  /** What is gathered passes through the loop's step again and again; its kinds are those of the beginning and of one pass. */
  #loop(loop: Loop, bound: ReadonlyMap<string, Kinds>): Kinds {
    const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = loop;
    this.kindsOf(iterRange, bound);
    const first = this.kindsOf(accuInit, bound);
    const inside = new Map([...bound, [iterVar, ANY], [iterVar2, ANY], [accuVar, first]] as const);
    this.kindsOf(loopCondition, inside);
    const gathered = new Set([...first, ...this.kindsOf(loopStep, inside)]);
    return this.kindsOf(result, new Map([...inside, [accuVar, gathered]]));
  }

  #mustBeBool(kinds: Kinds, operator: string): void {
    if (!may(kinds, BOOL)) this.#wrong(`gives ${operator} ${shown(kinds)}; it takes true or false`);
  }

  #wrong(problem: string): Kinds {
    this.problem ??= problem;
    return ANY;
  }
}

/** Types may be compared with one another by their names. */
const TYPE_NAMES: ReadonlySet<string> = new Set(['bool', 'bytes', 'double', 'int', 'list', 'map', 'string', 'uint']);

const SYMBOLS: Readonly<Record<string, string>> = {
  '_&&_': '&&',
  '_||_': '||',
  '@not_strictly_false': 'a loop',
  '!_': '!',
  '-_': '-',
  '_+_': '+',
  '_-_': '-',
  '_*_': '*',
  '_/_': '/',
  '_%_': '%',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
  '@in': 'in',
};

const fits = ({ target, arguments: wanted }: CelFunc, of: Kinds | null, given: readonly Kinds[]): boolean =>
  (target === undefined) === (of === null) &&
  (target === undefined || of === null || may(of, new Set([target.name]))) &&
  wanted.length === given.length &&
  wanted.every(({ name }, i) => may(given[i] ?? ANY, new Set([name])));

const may = (kinds: Kinds, wanted: Kinds): boolean =>
  kinds.has('dyn') || wanted.has('dyn') || [...wanted].some((kind) => kinds.has(kind));

const shown = (kinds: Kinds): string =>
  [...JSON_KINDS].every((kind) => kinds.has(kind)) ? 'a value of the data' : [...kinds].map(short).join(' or ');

const short = (name: string): string => name.replace('google.protobuf.', '').replace('null_type', 'null');

const taken = ({ target, arguments: wanted }: CelFunc): string =>
  (target === undefined ? wanted : [target, ...wanted]).map(({ name }) => short(name)).join(' and ');
