import type { HeaderValue } from './verification.ts';

/** Headers as Fetch has them, or as an object of names and values, in any case of letters. */
export type HeaderSource =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined };

/** Every value of one header; several are never one. */
export function headerOf(headers: HeaderSource, name: string): HeaderValue {
  if (isFetchHeaders(headers)) return headers.get(name) ?? undefined;
  const wanted = name.toLowerCase();
  // Node has names in lower case; gateways and test tools often leave them as they came.
  const values = Object.keys(headers)
    .filter((key) => key.toLowerCase() === wanted)
    .flatMap((key) => headers[key] ?? []);
  return values.length > 1 ? values : values[0];
}

/** A header that must be there once; `null` otherwise. */
export function onlyHeader(headers: HeaderSource, name: string): string | null {
  const value = headerOf(headers, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

const isFetchHeaders = (headers: HeaderSource): headers is { get(name: string): string | null } =>
  typeof headers['get' as keyof HeaderSource] === 'function';
