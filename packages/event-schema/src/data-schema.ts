import type { Json } from '@grapnel/domain/json';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type Violation, violation } from '@grapnel/domain/violation';
import { Ajv2020, type ErrorObject, type FuncKeywordDefinition } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';

/** A compiled JSON Schema: what is wrong with data, or `null`. */
export interface DataSchema {
  /** The first thing that is wrong; `field` is the data's own name in the caller's request. */
  violation(data: Json, field: string): Violation | null;
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/**
 * Compiles the text of a JSON Schema (draft 2020-12), or says why it is none. Unknown keywords are refused, because a
 * misspelt one would check nothing. `format` is an annotation, as the draft has it. Nothing is ever fetched: a `$ref`
 * must lead to a place inside the schema.
 */
export function compileDataSchema(text: string): Result<DataSchema, string> {
  const parsed = parseSchema(text);
  if (!parsed.ok) return parsed;
  try {
    const validate = newCompiler().compile(parsed.value);
    return ok({
      violation(data, field) {
        if (validate(data)) return null;
        const [error] = validate.errors ?? [];
        return error === undefined
          ? violation(field, 'INVALID_VALUE', 'does not match its schema')
          : said(error, field);
      },
    });
  } catch (error) {
    return err(`is not a usable JSON Schema: ${(error as Error).message}`);
  }
}

function parseSchema(text: string): Result<object | boolean, string> {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    return err(`is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof schema === 'boolean') return ok(schema);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return err('must be a JSON object');
  const { $schema = DRAFT, $async } = schema as { readonly $schema?: unknown; readonly $async?: unknown };
  if ($schema !== DRAFT && $schema !== `${DRAFT}#`) return err(`must be of draft 2020-12 ("$schema": "${DRAFT}")`);
  if ($async !== undefined) return err('must not have $async, which is no keyword of JSON Schema');
  return ok(schema);
}

/** One per schema, so that two schemas with the same `$id` are none of each other's business. */
function newCompiler(): Ajv2020 {
  const compiler = new Ajv2020({
    strictSchema: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    validateFormats: false,
    // All errors of a hostile array would be a million objects.
    allErrors: false,
    logger: false,
    code: { regExp: linearRegExp },
  });
  compiler.removeKeyword('uniqueItems');
  compiler.addKeyword(UNIQUE_ITEMS);
  return compiler;
}

/** In place of the compiler's own, which compares every element with every other: minutes for a list of a megabyte. */
const UNIQUE_ITEMS: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must not have two equal items' },
  compile: (wanted: boolean) => (items: readonly Json[]) =>
    !wanted || new Set(items.map((item) => JSON.stringify(item, inOrder))).size === items.length,
};

/** Members by name: their order makes no difference. */
const inOrder = (_name: string, value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Patterns run in linear time, whatever the data: a backtracking engine lets one crafted text stop the process. What
 * RE2 has no notion of (look-around, back-references) is refused when the schema is compiled.
 */
const linearRegExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    return {
      test: (text: string): boolean => compiled.matcher(text).find(),
      // What the compiler tells patterns apart by.
      toString: () => pattern,
    } as unknown as RegExp;
  },
  { code: 'linearRegExp' },
);

function said({ instancePath, keyword, params, message = 'does not match its schema' }: ErrorObject, field: string) {
  const at = instancePath.split('/').slice(1).map(unescaped);
  const missing = (params as { readonly missingProperty?: string }).missingProperty;
  if (keyword === 'required' && missing !== undefined) {
    return violation(pathOf(field, [...at, missing]), 'REQUIRED', 'is required by the schema of the event type');
  }
  const unknown = (params as { readonly additionalProperty?: string }).additionalProperty;
  if (keyword === 'additionalProperties' && unknown !== undefined) {
    return violation(pathOf(field, [...at, unknown]), 'UNKNOWN_FIELD', 'is not in the schema of the event type');
  }
  const { allowedValues } = params as { readonly allowedValues?: readonly unknown[] };
  const allowed = allowedValues === undefined ? '' : `: ${allowedValues.slice(0, 20).map(shown).join(', ')}`;
  return violation(pathOf(field, at), keyword === 'type' ? 'INVALID_TYPE' : 'INVALID_VALUE', `${message}${allowed}`);
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);

/** `data.items[0].url`, as fields are named everywhere. */
function pathOf(field: string, parts: readonly string[]): string {
  const path = parts.reduce((before, part) => (/^\d+$/.test(part) ? `${before}[${part}]` : `${before}.${part}`), field);
  return path.length <= 256 ? path : `${path.slice(0, 255)}…`;
}

const unescaped = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');
