import { isExactNumber, type Json } from '../json.ts';
import type { Placeholder } from './placeholder.ts';
import type { TemplateVariables } from './variables.ts';

const INDEX = /^(?:0|[1-9]\d{0,8})$/;

/**
 * The value a placeholder stands for, `null` where its path leads nowhere. Only what the data itself says is reached:
 * own keys of objects and indexes of arrays; no prototype, no length, no characters of strings (TH-06).
 */
export function resolve({ variable, path }: Placeholder, variables: TemplateVariables): Json {
  let value: Json = variables[variable];
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || isExactNumber(value)) return null;
    if (Array.isArray(value) && !INDEX.test(segment)) return null;
    if (!Object.hasOwn(value, segment)) return null;
    value = (value as Readonly<Record<string, Json>>)[segment] ?? null;
  }
  return value;
}

/** A value inside longer text: nothing for null, digits of a number as they are, compact JSON of an object or array. */
export function asText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
