import { isJsonObject, type Json } from '../json.ts';
import { err, ok, type Result } from '../result.ts';

/** One step into a JSON value: a member, an element, or every element. */
export type Segment =
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'each' };

export type Path = readonly Segment[];

export const MAX_PATH_CHARS = 256;
export const MAX_PATH_SEGMENTS = 16;
/** A path with a higher index would make a list of nothing but holes. */
const MAX_INDEX = 999;

// A member by its name, [3], [] or ["a name with . or ["].
const SEGMENT = /\[(\d{0,4})\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/y;

/** Reads `a.b[0].c`, `rows[].name` and `["odd.name"].x`; the error says what a path looks like. */
export function parsePath(text: string): Result<Path, string> {
  if (text.length > MAX_PATH_CHARS) return err(`must be at most ${MAX_PATH_CHARS} characters`);
  const path: Segment[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '.') {
      // A dot stands between two segments, and before a name.
      if (path.length === 0 || text[at + 1] === '[' || at + 1 === text.length) return err(MALFORMED);
      at++;
    } else if (path.length > 0 && text[at] !== '[') {
      return err(MALFORMED);
    }
    SEGMENT.lastIndex = at;
    const found = SEGMENT.exec(text);
    const segment = found === null ? null : segmentOf(found);
    if (found === null || segment === null) return err(MALFORMED);
    path.push(segment);
    at += found[0].length;
  }
  if (path.length === 0) return err(MALFORMED);
  return path.length > MAX_PATH_SEGMENTS ? err(`must have at most ${MAX_PATH_SEGMENTS} segments`) : ok(path);
}

const MALFORMED = 'must be a path such as a.b, rows[].name, query[0].a or ["a.b"]';

function segmentOf([, index, quoted, name]: RegExpExecArray): Segment | null {
  if (name !== undefined) return { kind: 'key', name };
  if (index === '') return { kind: 'each' };
  if (index !== undefined) return Number(index) > MAX_INDEX ? null : { kind: 'index', at: Number(index) };
  try {
    return { kind: 'key', name: JSON.parse(quoted ?? '') as string };
  } catch {
    return null;
  }
}

export function formatPath(path: Path): string {
  return path.reduce((text, segment) => {
    switch (segment.kind) {
      case 'each':
        return `${text}[]`;
      case 'index':
        return `${text}[${segment.at}]`;
      case 'key':
        if (/[.[\]]/.test(segment.name) || segment.name === '') return `${text}[${JSON.stringify(segment.name)}]`;
        return text === '' ? segment.name : `${text}.${segment.name}`;
    }
  }, '');
}

/** What is at the end of `path`; `[]` collects from every element. Names that objects merely inherit are not there. */
export function valueAt(root: Json, path: Path, from = 0): Json | undefined {
  let value: Json | undefined = root;
  for (let i = from; i < path.length && value !== undefined; i++) {
    const segment = path[i] as Segment;
    if (segment.kind === 'key') {
      value = isJsonObject(value) && Object.hasOwn(value, segment.name) ? value[segment.name] : undefined;
    } else if (!Array.isArray(value)) {
      return undefined;
    } else if (segment.kind === 'index') {
      value = value[segment.at] as Json | undefined;
    } else {
      const found: Json[] = [];
      for (const item of value as readonly Json[]) {
        const inside = valueAt(item, path, i + 1);
        if (inside !== undefined) found.push(inside);
      }
      return found;
    }
  }
  return value;
}

/** Paths by their first segment, each without it. */
interface Branches {
  readonly whole: boolean;
  readonly members: ReadonlyMap<string, readonly Path[]>;
  readonly each: readonly Path[];
  /** With those of each element. */
  readonly numbered: ReadonlyMap<number, readonly Path[]>;
}

/** `value` with what `paths` lead to and nothing else, everything at its own place; elements left out become null. */
export function pruned(value: Json, paths: readonly Path[]): Json | undefined {
  // Worked out once for all elements of a list, of which a call may have hundreds of thousands.
  const known = new Map<readonly Path[], Branches>();
  const branchesOf = (rest: readonly Path[]): Branches => {
    let branches = known.get(rest);
    if (branches === undefined) known.set(rest, (branches = branched(rest)));
    return branches;
  };
  return prune(value, paths, branchesOf);
}

type BranchesOf = (paths: readonly Path[]) => Branches;

function prune(value: Json, paths: readonly Path[], branchesOf: BranchesOf): Json | undefined {
  const branches = branchesOf(paths);
  if (branches.whole) return value;
  if (Array.isArray(value)) return prunedList(value, branches, branchesOf);
  if (!isJsonObject(value)) return undefined;
  const kept: [string, Json][] = [];
  for (const [name, rest] of branches.members) {
    if (!Object.hasOwn(value, name)) continue;
    const part = prune(value[name] as Json, rest, branchesOf);
    if (part !== undefined) kept.push([name, part]);
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function prunedList(
  items: readonly Json[],
  { each, numbered }: Branches,
  branchesOf: BranchesOf,
): readonly Json[] | undefined {
  const all = each.length > 0;
  const length = all ? items.length : Math.min(items.length, Math.max(-1, ...numbered.keys()) + 1);
  if (length === 0 && !all) return undefined;
  return items.slice(0, length).map((item, i) => prune(item, numbered.get(i) ?? each, branchesOf) ?? null);
}

function branched(paths: readonly Path[]): Branches {
  const restsAfter = (fits: (first: Segment) => boolean): Path[] =>
    paths.flatMap((path) => (path[0] !== undefined && fits(path[0]) ? [path.slice(1)] : []));
  const firsts = paths.flatMap(([first]) => first ?? []);
  const names = firsts.flatMap((first) => (first.kind === 'key' ? [first.name] : []));
  const indexes = firsts.flatMap((first) => (first.kind === 'index' ? [first.at] : []));
  const at = (i: number) => restsAfter((first) => first.kind === 'each' || (first.kind === 'index' && first.at === i));
  return {
    whole: firsts.length < paths.length,
    members: new Map(
      [...new Set(names)].map((name) => [name, restsAfter((first) => first.kind === 'key' && first.name === name)]),
    ),
    each: restsAfter((first) => first.kind === 'each'),
    numbered: new Map([...new Set(indexes)].map((i) => [i, at(i)])),
  };
}
