import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePayloadTemplate } from './parse-template.ts';

const messages = (text: string): string[] => {
  const parsed = parsePayloadTemplate(text);
  return parsed.ok ? [] : parsed.error.map(({ message }) => message);
};

const ALLOWED = 'userId, createdAt, eventType, eventData, resource, globals';

describe('payload templates when they are saved', () => {
  it('TH-03 takes the six variables, with paths and spaces inside the braces', () => {
    const template = `{"a": "{{userId}} {{createdAt}}", "b": ["{{ eventType }}", "{{eventData.items.0}}"],
      "c": "{{\\tresource.task_id }}", "d": "{{globals.dateISO}}", "e": "{{resource.名稱.content-type}}", "f": 1}`;
    expect(messages(template)).toEqual([]);
  });

  it('TH-03 refuses an unknown variable with its name, its place and the names there are', () => {
    expect(parsePayloadTemplate('{\n  "a": "x {{ userName }}"\n}', 'payloadTemplate')).toEqual({
      ok: false,
      error: [
        {
          field: 'payloadTemplate',
          code: 'INVALID_VALUE',
          message: `at line 2, column 11 (offset 12): unknown variable "userName"; allowed are ${ALLOWED}`,
        },
      ],
    });
  });

  it('TH-03 finds the place behind escapes', () => {
    expect(messages('["\\u007b\\"\\n{{nope}}"]')).toEqual([
      `at line 1, column 13 (offset 12): unknown variable "nope"; allowed are ${ALLOWED}`,
    ]);
    // Braces written as escapes are braces all the same: what counts is the value that a receiver would see.
    expect(messages('["\\u007b\\u007bnope}}"]')).toHaveLength(1);
  });

  const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'UserId', 'length'];
  it.each(inherited)('TH-03 TH-06 does not know a variable called %s', (name) => {
    expect(messages(`["{{${name}}}"]`)[0]).toContain(`unknown variable "${name}"; allowed are ${ALLOWED}`);
  });

  it('TH-03 refuses invalid JSON with its place', () => {
    expect(messages('{\n "a": "{{userId}}",\n}')).toEqual([
      'is not valid JSON at line 3, column 1 (offset 22): a key in double quotes was expected here',
    ]);
    expect(messages('{"a": {{resource}}}')).toEqual([
      'is not valid JSON at line 1, column 8 (offset 7): a variable must stand in quotes, "{{name}}"',
    ]);
  });

  const malformed: [string, string][] = [
    ['{{userId', 'not closed'],
    ['{{userId}', 'not closed'],
    ['{{userId}} {{', 'not closed'],
    ['{{}}', 'braces are empty'],
    ['{{  }}', 'braces are empty'],
    ['{{.}}', 'is no variable'],
    ['{{resource.}}', 'is no variable'],
    ['{{.resource}}', 'is no variable'],
    ['{{resource..a}}', 'is no variable'],
    ['{{resource . a}}', 'is no variable'],
    ['{{resource[0]}}', 'is no variable'],
    ['{{user Id}}', 'is no variable'],
    ['{{{userId}}}', 'is no variable'],
    ['{{ {{userId}} }}', 'is no variable'],
    ['{{#if resource}}', 'is no variable'],
    [`{{resource${'.a'.repeat(16)}}}`, 'has more than 16 segments'],
  ];
  it.each(malformed)('TH-03 refuses %s in a value', (value, reason) => {
    const [message = ''] = messages(JSON.stringify([value]));
    expect(message).toMatch(/^at line 1, column \d+ \(offset \d+\): /);
    expect(message).toContain(reason);
  });

  it('TH-03 takes single braces, and double ones that close nothing, as text', () => {
    expect(messages('["{userId}", "}}", "{ {", "a } b { c", "{{userId}}}}"]')).toEqual([]);
  });

  it('TH-03 refuses variables in keys', () => {
    expect(messages('{"a": 1,\n "x{{userId}}": "{{nope}}"}')).toEqual([
      'at line 2, column 4 (offset 12): variables may stand in values only, not in a key',
      `at line 2, column 18 (offset 26): unknown variable "nope"; allowed are ${ALLOWED}`,
    ]);
    expect(messages('{"{userId}": 1, "}}": 2}')).toEqual([]);
  });

  it('TH-03 is bounded in size, depth, placeholders and errors', () => {
    const padded = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;
    expect(messages(padded(65_536))).toEqual([]);
    expect(messages(padded(65_537))).toEqual(['must be at most 65536 bytes']);
    expect(messages(`"${'é'.repeat(32_768)}"`)).toEqual(['must be at most 65536 bytes']);
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(messages(nested(32))).toEqual([]);
    expect(messages(nested(33))).toEqual([
      'is not valid JSON at line 1, column 33 (offset 32): nested deeper than 32 levels',
    ]);
    expect(messages(nested(30_000))).toHaveLength(1);
    expect(messages(JSON.stringify(Array(500).fill('{{userId}}')))).toEqual([]);
    expect(messages(JSON.stringify(Array(501).fill('{{userId}}')))).toEqual([
      'at line 1, column 6502 (offset 6501): from here on more than 500 placeholders are used',
    ]);
    expect(messages(JSON.stringify('{{userId}}'.repeat(600)))).toHaveLength(1);
    expect(messages(JSON.stringify(Array(300).fill('{{nope}}')))).toHaveLength(20);
    expect(messages(JSON.stringify('{{n}}'.repeat(12_000)))).toHaveLength(20);
  });

  it('TH-03 never throws, whatever the text', () => {
    const scraps = fc.constantFrom(
      '{',
      '}',
      '{{',
      '}}',
      '"',
      '\\',
      ':',
      ',',
      '[',
      ']',
      'userId',
      '.',
      ' ',
      '\n',
      '1',
      'é',
      '\ud800',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(scraps).map((parts) => parts.join('')),
        ),
        (text) => {
          const placed = messages(text).filter((message) => /at line \d+, column \d+ \(offset \d+\): /.test(message));
          expect(placed).toEqual(messages(text));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
