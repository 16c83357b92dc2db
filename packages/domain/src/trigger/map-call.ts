import type { Json } from '../json.ts';
import { type Path, parsePath, pruned, valueAt } from './path.ts';
import type { Mapped, Mapping } from './trigger.ts';

/** One call to a trigger, parsed. */
export interface Call {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Json;
  /** `null` where there was none. */
  readonly body: Json;
}

/** What steps and webhooks see of a call. */
export interface Variables {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Json;
  readonly body: Json;
}

/**
 * The variables of a call. A path without an alias stays at its own place, so that an expression reads the same with and
 * without mapping; an alias is a name at the top, and null where the call has nothing there. A header that was not sent
 * is the empty string. Without a mapping the whole body is there, of headers and query nothing. `null` when aliases that
 * repeat the same parts come to more than `maxChars` of JSON.
 */
export function mapCall(mapping: Mapping, call: Call, maxChars: number): Variables | null {
  const headers = mapping.headers.map(
    ({ path, alias }) => [alias ?? path, headerOf(call, path.toLowerCase())] as const,
  );
  const query = picked(mapping.query, call.query, maxChars);
  const body = mapping.body.length === 0 ? call.body : picked(mapping.body, call.body, maxChars);
  if (query === undefined || body === undefined) return null;
  return { headers: Object.fromEntries(headers), query, body };
}

const headerOf = ({ headers }: Call, name: string): string =>
  Object.hasOwn(headers, name) ? (headers[name] ?? '') : '';

/** `undefined` when it is too much. */
function picked(mapped: readonly Mapped[], source: Json, maxChars: number): Json | undefined {
  const plain: Path[] = [];
  const named: [string, Json][] = [];
  let left = maxChars;
  for (const { path: text, alias } of mapped) {
    const path = parsePath(text);
    // Checked when it was configured.
    if (!path.ok) continue;
    if (alias === null) {
      plain.push(path.value);
      continue;
    }
    const value = valueAt(source, path.value) ?? null;
    left -= JSON.stringify(value).length;
    if (left < 0) return undefined;
    named.push([alias, value]);
  }
  const kept = pruned(source, plain) ?? {};
  if (named.length === 0) return kept;
  const names = Object.fromEntries(named);
  // A list or a scalar at the top has no place for names.
  return typeof kept === 'object' && !Array.isArray(kept) ? { ...kept, ...names } : names;
}
