import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactJson, isExactNumber, type Json, MAX_JSON_DEPTH, parseJsonBytes, parseJsonText } from './json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('JSON from producers', () => {
  it('ST-04 is compact in the form that JSON.stringify makes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const pretty = JSON.stringify(value, null, 3);
        expect(compactJson(pretty)).toBe(JSON.stringify(JSON.parse(pretty)));
      }),
    );
  });

  it('keeps the digits of numbers that a double cannot hold', () => {
    expect(compactJson('{ "id": 12345678901234567890, "x": 1.0, "s": "12345678901234567890" }')).toBe(
      '{"id":12345678901234567890,"x":1,"s":"12345678901234567890"}',
    );
    expect(compactJson('[1e400,1e-400,0e10]')).toBe('[1e400,1e-400,0]');
  });

  it('tells a number that kept its digits from an object that looks like one', () => {
    const parsed = parseJsonText('[12345678901234567890, 1, {"rawJSON":"12345678901234567890"}]');
    expect(parsed.ok ? (parsed.value as Json[]).map(isExactNumber) : null).toEqual([true, false, false]);
  });

  it('refuses what is nested too deeply, and nothing at the limit', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJsonText(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(parseJsonText(nested(MAX_JSON_DEPTH + 1))).toEqual({ ok: false, error: 'is nested deeper than 64 levels' });
    expect(parseJsonText(nested(500_000)).ok).toBe(false);
  });

  it('does not count brackets inside strings', () => {
    expect(parseJsonText(JSON.stringify('["['.repeat(200))).ok).toBe(true);
    expect(parseJsonText('"\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["').ok).toBe(
      true,
    );
  });

  it('says what is wrong', () => {
    expect(parseJsonBytes(new Uint8Array([0xff]))).toEqual({ ok: false, error: 'is not valid UTF-8' });
    expect(parseJsonBytes(bytes('{"a":'))).toEqual({
      ok: false,
      error: 'is not valid JSON at line 1, column 6 (offset 5): a value was expected here',
    });
    expect(parseJsonText('{\n  "a": secret\n}')).toEqual({
      ok: false,
      error: 'is not valid JSON at line 2, column 8 (offset 9): a value was expected here',
    });
  });
});
