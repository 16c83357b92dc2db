import { type Violation, type ViolationCode, violation } from '@grapnel/domain/violation';
import type { FastifySchemaCompiler } from 'fastify';
import { type $ZodIssue, type $ZodIssueInvalidUnion, type $ZodType, safeParse } from 'zod/v4/core';
import { HttpProblem } from './problem.ts';

/** Where a route's body is more than its schema. */
export interface BodyKnowledge {
  /** What to say of a field that no schema has, if more than that it is unknown. */
  unknownField(field: string, url: string): string | null;
  /** What is wrong in content with a body that is wrong in form, so that both are said at once. */
  contentFaults(body: unknown, method: string, url: string): readonly Violation[];
}

/** Checks params, query and body with the schemas that the OpenAPI document shows. */
export function validatorCompiler(knowledge: BodyKnowledge): FastifySchemaCompiler<$ZodType> {
  return ({ schema, httpPart, method, url }) => {
    const whole = httpPart ?? '';
    return (part: unknown) => {
      // Fastify says null where there is no body.
      const input = part === null && httpPart === 'body' ? undefined : part;
      const { value, faults } = checkShape(schema, input, whole, (field) => knowledge.unknownField(field, url));
      if (faults.length === 0) return { value };
      const more = httpPart === 'body' ? knowledge.contentFaults(part, method, url) : [];
      return { error: HttpProblem.invalid([...faults, ...unsaid(more, faults)]) };
    };
  };
}

/** What is wrong in form is no better in content: one sentence for each field. */
export function unsaid(content: readonly Violation[], form: readonly Violation[]): Violation[] {
  const fields = new Set(form.map(({ field }) => topLevel(field)));
  return content.filter(({ field }) => !fields.has('body') && !fields.has(topLevel(field)));
}

const topLevel = (field: string): string => field.split(/[.[]/, 1)[0] ?? field;

/** Everything in which `input` differs from its schema; `value` is there when nothing does. */
export function checkShape(
  schema: $ZodType,
  input: unknown,
  whole: string,
  hint: (field: string) => string | null = () => null,
): { readonly value: unknown; readonly faults: Violation[] } {
  // `reportInput` tells a missing field from a wrong one; the input itself never leaves this function.
  const result = safeParse(schema, input, { reportInput: true });
  if (result.success) return { value: result.data, faults: [] };
  const faults = result.error.issues.flatMap((issue) => violationsOf(issue, whole));
  return {
    value: undefined,
    faults: faults.map((found) => {
      const text = found.code === 'UNKNOWN_FIELD' ? hint(found.field) : null;
      return text === null ? found : violation(found.field, 'INVALID_VALUE', text);
    }),
  };
}

function violationsOf(issue: $ZodIssue, whole: string): Violation[] {
  const field = issue.path.length === 0 ? whole : fieldName(issue.path);
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return [violation(field, 'REQUIRED', 'is required')];
      const type = TYPES[issue.expected] ?? `a ${issue.expected}`;
      // Our own schemas' sentences begin so and say more, zod's don't.
      const message = issue.message.startsWith('must ') ? issue.message : `must be ${type}`;
      if (whole !== 'querystring') return [violation(field, 'INVALID_TYPE', message)];
      if (Array.isArray(issue.input)) return [violation(field, 'INVALID_TYPE', 'must be given once')];
      // In a query everything is text: no type is wrong.
      return [violation(field, 'INVALID_VALUE', message)];
    }
    case 'too_small':
      return [violation(field, sized(issue.origin) ? 'TOO_SHORT' : 'TOO_SMALL', issue.message)];
    case 'too_big':
      return [violation(field, sized(issue.origin) ? 'TOO_LONG' : 'TOO_LARGE', issue.message)];
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        violation(fieldName([...issue.path, key]), 'UNKNOWN_FIELD', 'is not a known field'),
      );
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
    case 'invalid_union':
      return ofTheMeantForm(issue, field, whole);
    case 'custom':
      return [violation(field, codeOf(issue.params), issue.message)];
    default:
      return [violation(field, 'INVALID_VALUE', issue.message)];
  }
}

/** Where a value may take several forms, the one was meant whose kind of JSON it is. */
function ofTheMeantForm(issue: $ZodIssueInvalidUnion, field: string, whole: string): Violation[] {
  const wrongKinds = issue.errors.map((form) =>
    form.find(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const [meant, another] = issue.errors.filter((_form, i) => wrongKinds[i] === undefined);
  if (meant !== undefined && another === undefined) {
    return meant.flatMap((inner) => violationsOf({ ...inner, path: [...issue.path, ...inner.path] }, whole));
  }
  if (issue.message.startsWith('must ')) return [violation(field, 'INVALID_VALUE', issue.message)];
  const kinds = wrongKinds.flatMap((wrong) => (wrong?.code === 'invalid_type' ? (TYPES[wrong.expected] ?? []) : []));
  return [violation(field, 'INVALID_TYPE', `must be ${kinds.join(' or ')}`)];
}

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
