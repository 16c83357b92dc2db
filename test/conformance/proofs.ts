import { BEHAVIOURS, type BehaviourId } from './ids.ts';

/** A test by its full name, as the runner lists it. */
export interface NamedTest {
  readonly name: string;
  readonly file: string;
}

export interface Proofs {
  readonly byId: ReadonlyMap<BehaviourId, readonly NamedTest[]>;
  /** Ids in names that stand for nothing. */
  readonly unknown: readonly { readonly id: string; readonly test: NamedTest }[];
}

const ID = /\b(?:AC|FC|TH|GG|NB|ST)-\d+\b/g;

const isBehaviour = (id: string): id is BehaviourId => Object.hasOwn(BEHAVIOURS, id);

/** Which tests carry which id in their names. */
export function proofsIn(tests: readonly NamedTest[]): Proofs {
  const byId = new Map<BehaviourId, NamedTest[]>();
  const unknown: { id: string; test: NamedTest }[] = [];
  for (const test of tests) {
    for (const id of new Set(test.name.match(ID))) {
      if (isBehaviour(id)) byId.set(id, [...(byId.get(id) ?? []), test]);
      else unknown.push({ id, test });
    }
  }
  return { byId, unknown };
}

/** The table: every behaviour and the tests that prove it; the last line counts. */
export function tableOf({ byId, unknown }: Proofs): string {
  const lines: string[] = [];
  for (const [id, behaviour] of Object.entries(BEHAVIOURS)) {
    lines.push(`${id}  ${behaviour}`);
    const tests = byId.get(id as BehaviourId) ?? [];
    if (tests.length === 0) lines.push('       ✗ no test carries this id');
    for (const { file, name } of tests) lines.push(`       ${file}: ${name}`);
    lines.push('');
  }
  for (const { id, test } of unknown) lines.push(`✗ ${id} is no known id: ${test.file}: ${test.name}`);
  if (unknown.length > 0) lines.push('');
  lines.push(`${byId.size} of ${Object.keys(BEHAVIOURS).length} ids proven`);
  return lines.join('\n');
}

/** Every id has its test, and every id in a name is one. */
export const isComplete = ({ byId, unknown }: Proofs): boolean =>
  unknown.length === 0 && byId.size === Object.keys(BEHAVIOURS).length;
