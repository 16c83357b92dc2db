import type { Json } from '@grapnel/domain/json';
import { describe, expect, it } from 'vitest';
import { compileDataSchema } from './data-schema.ts';

const INVOICE = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['number', 'lines'],
  additionalProperties: false,
  properties: {
    number: { type: 'string', pattern: '^INV-\\d+$' },
    currency: { enum: ['EUR', 'TWD'] },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
  },
  $defs: { line: { type: 'object', required: ['price'], properties: { price: { type: 'number', minimum: 0 } } } },
};
const VALID = { number: 'INV-1', lines: [{ price: 1 }] };

const problemOf = (schema: unknown): string | null => {
  const compiled = compileDataSchema(typeof schema === 'string' ? schema : JSON.stringify(schema));
  return compiled.ok ? null : compiled.error;
};
function violationOf(schema: unknown, data: Json) {
  const compiled = compileDataSchema(JSON.stringify(schema));
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value.violation(data, 'events[2].data');
}

describe('the schema of an event type', () => {
  it.each<[string, Json, string | null, string | null]>([
    ['data that fits', VALID, null, null],
    ['a missing property', { number: 'INV-1' }, 'events[2].data.lines', 'REQUIRED'],
    [
      'an element that is wrong',
      { ...VALID, lines: [{ price: 1 }, { price: -1 }] },
      'events[2].data.lines[1].price',
      'INVALID_VALUE',
    ],
    ['a wrong type', { ...VALID, number: 1 }, 'events[2].data.number', 'INVALID_TYPE'],
    ['a pattern', { ...VALID, number: 'INV-x' }, 'events[2].data.number', 'INVALID_VALUE'],
    ['a value that is not listed', { ...VALID, currency: 'X' }, 'events[2].data.currency', 'INVALID_VALUE'],
    ['a property that is not known', { ...VALID, more: 1 }, 'events[2].data.more', 'UNKNOWN_FIELD'],
    ['no object at all', null, 'events[2].data', 'INVALID_TYPE'],
  ])('AC-09 says what is wrong and where: %s', (_what, data, field, code) => {
    const found = violationOf(INVOICE, data);
    expect(found === null ? [null, null] : [found.field, found.code]).toEqual([field, code]);
  });

  it('AC-09 names the values that are allowed', () => {
    expect(violationOf(INVOICE, { ...VALID, currency: 'X' })?.message).toMatch(/"EUR", "TWD"/);
  });

  it('AC-09 is refused with a reason when it cannot be used', () => {
    expect(problemOf(INVOICE)).toBeNull();
    expect(problemOf('{')).toMatch(/valid JSON/);
    expect(problemOf([])).toMatch(/object/);
    expect(problemOf({ type: 'strin' })).toMatch(/JSON Schema/);
    expect(problemOf({ requierd: ['a'] })).toMatch(/requierd/);
    expect(problemOf({ $ref: 'https://example.com/other.json' })).toMatch(/example\.com/);
    expect(problemOf({ $schema: 'http://json-schema.org/draft-07/schema#' })).toMatch(/2020-12/);
    expect(problemOf({ $async: true })).toMatch(/\$async/);
    expect(problemOf({ pattern: '(' })).toMatch(/JSON Schema/);
    expect(problemOf({ pattern: '(?=a)b' })).toMatch(/JSON Schema/);
  });

  it('compares the elements of a long list once each', () => {
    const unique = { type: 'array', uniqueItems: true };
    const many = Array.from({ length: 200_000 }, (_, n) => ({ n }));
    expect(violationOf(unique, many)).toBeNull();
    expect(violationOf(unique, [...many, { n: 7 }])?.code).toBe('INVALID_VALUE');
    expect(
      violationOf(unique, [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ])?.message,
    ).toMatch(/equal/);
    expect(violationOf({ type: 'array', uniqueItems: false }, [1, 1])).toBeNull();
    expect(problemOf({ uniqueItems: 'yes' })).toMatch(/JSON Schema/);
  });

  it('matches patterns that would stop a backtracking engine for ever', () => {
    const compiled = violationOf({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`);
    expect(compiled?.code).toBe('INVALID_VALUE');
  });
});
