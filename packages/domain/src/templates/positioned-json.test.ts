import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePosition, offsetInString } from './position.ts';
import { type PositionedJson, parsePositionedJson } from './positioned-json.ts';

function plain(node: PositionedJson): unknown {
  switch (node.kind) {
    case 'literal':
      return JSON.parse(node.text);
    case 'string':
      return node.value;
    case 'array':
      return node.items.map(plain);
    case 'object':
      return Object.fromEntries(node.members.map(({ key, value }) => [key.value, plain(value)]));
  }
}

/** What `JSON.parse` makes of it; `undefined` when it refuses. */
function reference(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('JSON with positions', () => {
  it('TH-03 reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t', '\r\n'), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        const parsed = parsePositionedJson(spaced, 1_000);
        expect(parsed.ok && plain(parsed.value)).toEqual(JSON.parse(spaced));
      }),
    );
  });

  it('TH-03 refuses what JSON.parse refuses', () => {
    const scraps = fc.constantFrom(
      ...'{}[],:"\\u0 \n-+.eE1truefalsn\u0000\u00a0é'.split(''),
      'true',
      'null',
      '"a"',
      '1.0',
      '\\n',
    );
    fc.assert(
      fc.property(
        fc.array(scraps, { maxLength: 12 }).map((parts) => parts.join('')),
        (text) => {
          const parsed = parsePositionedJson(text, 1_000);
          fc.pre(parsed.ok || parsed.error.message !== 'this key is given twice');
          expect(parsed.ok ? plain(parsed.value) : undefined).toEqual(reference(text));
          expect(parsed.ok ? 0 : parsed.error.offset).toBeLessThanOrEqual(text.length);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('TH-03 refuses valid JSON with a character taken out only where JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, n) => {
        const cut = text.slice(0, n % text.length) + text.slice((n % text.length) + 1);
        const parsed = parsePositionedJson(cut, 1_000);
        fc.pre(parsed.ok || parsed.error.message !== 'this key is given twice');
        expect(parsed.ok).toBe(reference(cut) !== undefined);
      }),
    );
  });

  const wrong: [string, string, number][] = [
    ['', 'a value was expected here', 0],
    ['{"a": }', 'a value was expected here', 6],
    ['{"a": 1 "b": 2}', 'a comma or } was expected here', 8],
    ['[1 2]', 'a comma or ] was expected here', 3],
    ['{"a" 1}', 'a colon was expected here', 5],
    ['{"a": 1,}', 'a key in double quotes was expected here', 8],
    ['{"a": 01}', 'a comma or } was expected here', 7],
    ['{} x', 'the end of the text was expected here', 3],
    ['["a', 'this string has no end', 1],
    ['["a\nb"]', 'line breaks and control characters in a string must be escaped', 3],
    ['["a\\x"]', 'there is no such escape', 3],
    ['{"a": {{userId}}}', 'a variable must stand in quotes, "{{name}}"', 7],
    ['{"a": 1, "\\u0061": 2}', 'this key is given twice', 9],
    ['[[[[]]]]', 'nested deeper than 3 levels', 3],
  ];
  it.each(wrong)('TH-03 says where and what in %j', (text, message, offset) => {
    expect(parsePositionedJson(text, 3)).toEqual({ ok: false, error: { message, offset } });
  });

  it('tells places in lines and columns', () => {
    expect(describePosition('ab', 0)).toBe('line 1, column 1 (offset 0)');
    expect(describePosition('a\r\nbc\n', 4)).toBe('line 2, column 2 (offset 4)');
    expect(describePosition('a\n\nb', 3)).toBe('line 3, column 1 (offset 3)');
    expect(describePosition('a\nb', 1)).toBe('line 1, column 2 (offset 1)');
  });

  it('finds a character of a value in the text with its escapes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\\n', '\\u0041', '\\"', '\\\\', '😀')), (parts) => {
        const text = `"${parts.join('')}x"`;
        const value = JSON.parse(text) as string;
        expect(offsetInString(text, 0, value.length - 1)).toBe(text.length - 2);
      }),
    );
  });
});
