import type { ViolationCode } from '@grapnel/domain/violation';
import { type Violation, violation } from '@grapnel/domain/violation';
import type { FastifySchemaCompiler } from 'fastify';
import { type $ZodIssue, type $ZodType, safeParse } from 'zod/v4/core';
import { TEXTS } from '../texts.ts';
import { HttpProblem } from './problem.ts';

/** More than this many problems help nobody, and bound what a hostile body can make us answer. */
const MAX_VIOLATIONS = 50;

/** Checks params, query and body with the schemas that the OpenAPI document shows. */
export const validatorCompiler: FastifySchemaCompiler<$ZodType> = ({ schema, httpPart }) => {
  const whole = httpPart === 'body' ? 'body' : (httpPart ?? '');
  return (part: unknown) => {
    // Fastify says null where there is no body.
    const input = part === null && httpPart === 'body' ? undefined : part;
    // `reportInput` tells a missing field from a wrong one; the input itself never leaves this function.
    const result = safeParse(schema, input, { reportInput: true });
    if (result.success) return { value: result.data };
    const wrong = result.error.issues.flatMap((issue) => violationsOf(issue, whole));
    return { error: HttpProblem.invalid(wrong.slice(0, MAX_VIOLATIONS)) };
  };
};

function violationsOf(issue: $ZodIssue, whole: string): Violation[] {
  const field = issue.path.length === 0 ? whole : fieldName(issue.path);
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return [violation(field, 'REQUIRED', 'is required')];
      if (Array.isArray(issue.input) && whole === 'querystring') {
        return [violation(field, 'INVALID_TYPE', 'must be given once')];
      }
      return [violation(field, 'INVALID_TYPE', `must be ${TYPES[issue.expected] ?? `a ${issue.expected}`}`)];
    }
    case 'too_small':
      return [violation(field, sized(issue.origin) ? 'TOO_SHORT' : 'TOO_SMALL', issue.message)];
    case 'too_big':
      return [violation(field, sized(issue.origin) ? 'TOO_LONG' : 'TOO_LARGE', issue.message)];
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField(fieldName([...issue.path, key])));
    case 'invalid_value':
      return [
        violation(
          field,
          'INVALID_VALUE',
          `must be ${issue.values
            .map(String)
            .join(', ')
            .replace(/, ([^,]*)$/, ' or $1')}`,
        ),
      ];
    case 'custom':
      return [violation(field, codeOf(issue.params), issue.message)];
    default:
      return [violation(field, 'INVALID_VALUE', issue.message)];
  }
}

// In no schema, so that no document offers them; but who tries deserves to hear what to do instead.
const SECRET_FIELDS: ReadonlySet<string> = new Set(['secret', 'webhook_secret']);

const unknownField = (field: string): Violation =>
  SECRET_FIELDS.has(field)
    ? violation(field, 'INVALID_VALUE', TEXTS.secretCannotBeSet)
    : violation(field, 'UNKNOWN_FIELD', 'is not a known field');

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'a JSON object',
  record: 'a JSON object',
};

const sized = (origin: string): boolean => origin === 'string' || origin === 'array';

const codeOf = (params: Record<string, unknown> | undefined): ViolationCode =>
  (params?.['code'] as ViolationCode | undefined) ?? 'INVALID_VALUE';

/** `['event_types', 0]` → `event_types[0]`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? shortened(String(key)) : `${name}.${shortened(String(key))}`;
  }, '');
}

const shortened = (key: string): string => (key.length <= 64 ? key : `${key.slice(0, 63)}…`);
