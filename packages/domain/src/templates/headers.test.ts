import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import type { Result } from '../result.ts';
import { parseHeadersTemplate } from './parse-headers.ts';
import { type HeaderRefusal, renderHeaders } from './render-headers.ts';
import { templateVariables } from './variables.ts';

const NONE: ReadonlySet<string> = new Set();

function render(template: Json, data: Json = {}, reserved = NONE): Result<Record<string, string>, HeaderRefusal> {
  const parsed = parseHeadersTemplate(JSON.stringify(template));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const event = {
    id: 'e1',
    tenant: 'acme',
    type: 'ACTOR.RUN.FAILED',
    jobId: 'j',
    taskId: null,
    time: 0,
    acceptedAt: 0,
  };
  return renderHeaders(parsed.value, templateVariables(event, data), reserved);
}

const messages = (text: string): string[] => {
  const parsed = parseHeadersTemplate(text);
  return parsed.ok ? [] : parsed.error.map(({ message }) => message);
};

const anyCase = (name: string): fc.Arbitrary<string> => fc.mixedCase(fc.constant(name));

describe('headers templates when they are saved', () => {
  it('TH-07 takes an object of strings with the same variables', () => {
    expect(messages('{}')).toEqual([]);
    expect(messages('{"X-User": "{{userId}}", "Authorization": "Bearer {{resource.token}}", "x": ""}')).toEqual([]);
  });

  const wrong: [string, string][] = [
    ['[]', 'an object of header names and strings was expected'],
    ['"{{resource}}"', 'an object of header names and strings was expected'],
    ['{"a": 1}', 'the value of a header must be a string'],
    ['{"a": null}', 'the value of a header must be a string'],
    ['{"a": {"b": "c"}}', 'the value of a header must be a string'],
    ['{"a": "{{nope}}"}', 'unknown variable "nope"; allowed are userId, createdAt'],
    ['{"a": "{{userId"}', 'these braces are not closed'],
    ['{"a b": "x"}', 'this name must be a header name'],
    ['{"": "x"}', 'this name must be a header name'],
    ['{"{{userId}}": "x"}', 'this name must be a header name'],
    ['{"a\\r\\nb": "x"}', 'this name must be a header name'],
    ['{"Content-Length": "1"}', 'this name belongs to the connection'],
    ['{"a": "x", "A": "y"}', 'this header is given twice'],
    ['{"a": "x\\r\\ny: z"}', 'a header must not contain line breaks'],
    ['{"a": "x\\u0000"}', 'a header must not contain line breaks'],
    [`{"a": "${'x'.repeat(4_097)}"}`, 'a header must be at most 4096 characters'],
    [`{"a": "${'一'.repeat(500)}"}`, 'a header must be at most 4096 characters'],
    [`{"a": "${'{{userId.x}}'.repeat(501)}"}`, 'more than 500 placeholders'],
    ['{"a": "x"', 'is not valid JSON at line 1, column 10 (offset 9): a comma or } was expected here'],
  ];
  it.each(wrong)('TH-07 refuses %s with its place', (text, reason) => {
    const [message = ''] = messages(text);
    expect(message).toMatch(/at line 1, column \d+ \(offset \d+\): /);
    expect(message).toContain(reason);
  });

  it('TH-07 takes 20 headers and no more', () => {
    const many = (n: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, i) => [`h${i}`, ''])));
    expect(messages(many(20))).toEqual([]);
    expect(messages(many(21))).toEqual(['must be at most 20 headers']);
  });
});

describe('headers from templates', () => {
  it('TH-07 fills in variables as text', () => {
    const template = {
      'X-User': '{{userId}}',
      'X-Code': '{{resource.apiCode}}',
      'X-All': 'v={{resource}}',
      'X-None': '{{resource.none}}',
    };
    expect(render(template, { apiCode: 0 })).toEqual({
      ok: true,
      value: { 'X-User': 'acme', 'X-Code': '0', 'X-All': 'v={"apiCode":0}', 'X-None': '' },
    });
  });

  it('TH-07 leaves out the system’s headers and the reserved ones, in any case of letters', () => {
    const system = fc.tuple(
      ...['Host', 'Content-Type', 'Webhook', 'Webhook-Dispatch-Id', 'Request-Origin'].map(anyCase),
    );
    fc.assert(
      fc.property(system, anyCase('X-Signature'), (names, signature) => {
        const template = Object.fromEntries([...names, signature, 'X-Mine'].map((name) => [name, 'forged {{userId}}']));
        expect(render(template, {}, new Set(['x-signature']))).toEqual({
          ok: true,
          value: { 'X-Mine': 'forged acme' },
        });
      }),
    );
  });

  it.each(['\r', '\n', '\u0000', '\r\nX-Forged: 1', '\u001b', '\u007f'])(
    'TH-07 refuses a value with %j and names the header',
    (bad) => {
      expect(render({ 'X-Fine': 'x', 'X-Url': 'a{{resource.v}}' }, { v: `b${bad}` })).toEqual({
        ok: false,
        error: { header: 'X-Url', reason: 'its value contains a line break or a control character' },
      });
    },
  );

  it('TH-07 a reserved header refuses nothing, because it is not made', () => {
    expect(render({ Host: '{{resource}}', 'X-Sig': '{{resource}}' }, '\r\n', new Set(['x-sig']))).toEqual({
      ok: true,
      value: {},
    });
  });

  it('TH-07 percent-encodes what is beyond ASCII, and nothing else', () => {
    expect(render({ a: '{{resource}}' }, '100% é 中 😀\t\ud800')).toEqual({
      ok: true,
      value: { a: '100% %C3%A9 %E4%B8%AD %F0%9F%98%80\t%EF%BF%BD' },
    });
  });

  it('TH-07 refuses a value that is too long, before and after encoding', () => {
    const reason = 'its value is longer than 4096 characters';
    expect(render({ a: '{{resource}}' }, 'x'.repeat(4_096)).ok).toBe(true);
    for (const data of ['x'.repeat(4_097), '中'.repeat(456)]) {
      expect(render({ a: '{{resource}}' }, data)).toEqual({ ok: false, error: { header: 'a', reason } });
    }
  });

  it('TH-06 a header called like a built-in is a header', () => {
    const made = render(JSON.parse('{"__proto__":"x","constructor":"{{resource.constructor}}"}') as Json);
    expect(made.ok ? Object.entries(made.value) : null).toEqual([
      ['__proto__', 'x'],
      ['constructor', ''],
    ]);
  });

  it('TH-06 TH-07 whatever the data, never throws, interpolates once and sends only what a header may hold', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('{{userId}}', '\r\n', '中', '\ud800', '%'),
    );
    const value = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(value, (data) => {
        const made = render({ a: '<{{resource}}>', Host: '{{resource}}' }, data);
        const legal = !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(data);
        expect(made.ok).toBe(legal);
        const sent = made.ok ? made.value : { a: '' };
        expect(Object.keys(sent)).toEqual(['a']);
        expect(sent['a']).toMatch(/^[\t\u0020-\u007e]*$/);
        const unchanged = legal && /^[\t\u0020-\u007e]*$/.test(data);
        expect(sent['a'] === `<${data}>`).toBe(unchanged);
      }),
      { numRuns: 500 },
    );
  });
});
