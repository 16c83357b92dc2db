import type { parse } from '@bufbuild/cel';

type Parsed = ReturnType<typeof parse>;
type Expr = NonNullable<Parsed['expr']>;

// Names that the language itself brings along.
const BUILT_IN: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'timestamp',
  'type',
  'uint',
]);

/** Names in the expression that are neither `known` nor bound by a loop of its own. */
export function unknownNames({ expr }: Parsed, known: ReadonlySet<string>): string[] {
  const unknown = new Set<string>();
  const visit = (each: Expr | undefined, bound: ReadonlySet<string>): void => {
    if (each === undefined) return;
    const { exprKind } = each;
    if (exprKind.case === 'identExpr') {
      const name = exprKind.value.name.replace(/^\./, '');
      if (!known.has(name) && !bound.has(name) && !BUILT_IN.has(name)) unknown.add(name);
    } else if (exprKind.case === 'comprehensionExpr') {
      const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      visit(iterRange, bound);
      const inside = new Set([...bound, iterVar, iterVar2, accuVar]);
      for (const part of [accuInit, loopCondition, loopStep, result]) visit(part, inside);
    } else {
      for (const child of childrenOf(each)) visit(child, bound);
    }
  };
  visit(expr, new Set());
  return [...unknown];
}

/**
 * Whether a loop runs inside another over something else than the outer one's element: together they would look at
 * the same data again and again. Over the element's own parts they look at everything once.
 */
export function nestedLoops({ expr }: Parsed): boolean {
  const visit = (each: Expr | undefined, elements: ReadonlySet<string> | null): boolean => {
    if (each === undefined) return false;
    const { exprKind } = each;
    if (exprKind.case !== 'comprehensionExpr') return childrenOf(each).some((child) => visit(child, elements));
    const { iterVar, iterVar2, iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
    if (elements !== null && !elements.has(rootOf(iterRange))) return true;
    if (visit(iterRange, elements)) return true;
    const inside = new Set([iterVar, iterVar2]);
    return [accuInit, loopCondition, loopStep, result].some((part) => visit(part, inside));
  };
  return visit(expr, null);
}

/** The name that a path of fields and indexes begins with; empty when it is something else. */
function rootOf(expr: Expr | undefined): string {
  switch (expr?.exprKind.case) {
    case 'identExpr':
      return expr.exprKind.value.name;
    case 'selectExpr':
      return rootOf(expr.exprKind.value.operand);
    case 'callExpr':
      return expr.exprKind.value.function === '_[_]' ? rootOf(expr.exprKind.value.args[0]) : '';
    default:
      return '';
  }
}

export function childrenOf({ exprKind }: Expr): Expr[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return present([exprKind.value.operand]);
    case 'callExpr':
      return present([exprKind.value.target, ...exprKind.value.args]);
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return present(
        exprKind.value.entries.flatMap(({ keyKind, value }) =>
          keyKind.case === 'mapKey' ? [keyKind.value, value] : [value],
        ),
      );
    default:
      return [];
  }
}

const present = (exprs: readonly (Expr | undefined)[]): Expr[] => exprs.filter((each) => each !== undefined);
