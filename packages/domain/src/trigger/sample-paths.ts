import { isJsonObject, type Json } from '../json.ts';
import { formatPath, MAX_PATH_SEGMENTS, type Path } from './path.ts';

/** More than anyone picks from; a larger sample is cut off here. */
export const MAX_SAMPLE_PATHS = 1_000;

/** How elements of lists are named: a query names each by its number, a body means all that will come. */
export type SampleKind = 'query' | 'body';

/**
 * Every path in a sample, parents first, each once (NB-05): `{"a":1,"b":{"c":2}}` has `a`, `b` and `b.c`, a list of
 * objects `rows` and `rows[].name`, a query `query`, `query[0]` and `query[0].a`.
 */
export function samplePaths(sample: Json, kind: SampleKind): string[] {
  const found = new Set<string>();
  const add = (path: Path): boolean => {
    if (found.size >= MAX_SAMPLE_PATHS) return false;
    found.add(formatPath(path));
    return true;
  };
  const visit = (value: Json, path: Path): void => {
    if (path.length >= MAX_PATH_SEGMENTS) return;
    if (Array.isArray(value)) {
      value.forEach((item: Json, i) => {
        const inside: Path = [...path, kind === 'query' ? { kind: 'index', at: i } : { kind: 'each' }];
        // `rows[]` says no more than `rows`; a single element of a query does.
        if (kind === 'body' || add(inside)) visit(item, inside);
      });
    } else if (isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        const inside: Path = [...path, { kind: 'key', name }];
        if (!add(inside)) return;
        visit(member, inside);
      }
    }
  };
  visit(sample, []);
  return [...found];
}
