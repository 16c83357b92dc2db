import type { Json } from '@grapnel/domain/json';
// The brackets of a query string have no standard; this is the reading that Node's own frameworks use.
import { parse } from 'qs';

const BOUNDS = { depth: 8, parameterLimit: 500, arrayLimit: 100, allowPrototypes: false } as const;

/** A query string, without its `?`, as a structure: `a[0][b]=1` is `{"a":[{"b":"1"}]}`. */
export function queryStructure(query: string): Json {
  return parse(query, BOUNDS) as Json;
}

/** What stands after the `?` of a URL. */
export function queryOf(url: string): string {
  const from = url.indexOf('?');
  if (from < 0) return '';
  const to = url.indexOf('#', from);
  return url.slice(from + 1, to < 0 ? undefined : to);
}
