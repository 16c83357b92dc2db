import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber, type Json, parseJsonText } from '../json.ts';
import { parsePayloadTemplate } from './parse-template.ts';
import { renderPayload } from './render-payload.ts';
import { type TemplateVariables, templateVariables } from './variables.ts';

function exact(text: string): Json {
  const parsed = parseJsonText(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function variables(data: string): TemplateVariables {
  const event = {
    id: 'e1',
    tenant: 'acme',
    type: 'ACTOR.RUN.FAILED',
    jobId: 'j',
    taskId: null,
    time: 5_250,
    acceptedAt: 9,
  };
  return templateVariables(event, exact(data));
}

/** Renders a template given as JSON text or as a value. */
function render(template: Json, data = '{}', maxBytes?: number): string {
  const parsed = parsePayloadTemplate(typeof template === 'string' ? template : JSON.stringify(template));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const rendered = renderPayload(parsed.value, variables(data), maxBytes);
  if (!rendered.ok) throw new Error(rendered.error);
  return rendered.value;
}

const SEED_RESOURCE = {
  taskId: '2e9ddee0582a',
  url: '{"spider_errors":true,"spider_id":"3","spider_parameters":[{"url":"https://www.amazon.com/dp/B0DPMHRZ1W?th=1\\u0026psc=1"}]}',
  apiKey: '289f5c53e47d616',
  apiUrl: '',
  apiCode: 400,
  apiResponseTime: 28_000,
  apiErrorMsg: '',
  apiResult: '',
  errorNumber: 1,
  successRate: 0,
  runseconds: 12_340,
  detail: 'Completed! 26 requests in total: 26 successful, 0 failed',
  flow: 1_765,
  fileSize: 1_765,
  type: 0,
  csvUrl: 'https://files.example.com/2025/06/07/2e9ddee0582a40a9.csv',
  jsonUrl: 'https://files.example.com/2025/06/07/2e9ddee0582a40a9.json',
  audioUrl: '',
  videoUrl: '',
  subtitleUrl: '',
  createdAt: '2025-06-07T14:33:14+08:00',
  finishedAt: '2025-06-07T14:33:44+08:00',
};

describe('payloads from templates', () => {
  it('TH-09 passes the documented example’s fields through verbatim', () => {
    const eventData = { prodect_id: '3', apiRunId: '2e9ddee0582a' };
    const data = JSON.stringify({ eventData, resource: SEED_RESOURCE });
    const template = `{
      "userId": "{{userId}}",
      "eventType": "{{eventType}}",
      "createdAt": "{{createdAt}}",
      "eventData": "{{eventData}}",
      "resource": "{{resource}}"
    }`;
    expect(render(template, data)).toBe(
      `{"userId":"acme","eventType":"ACTOR.RUN.FAILED","createdAt":"1970-01-01T00:00:05Z","eventData":${JSON.stringify(eventData)},"resource":${JSON.stringify(SEED_RESOURCE)}}`,
    );
    expect(render(['{{resource.url}}', '{{eventData.prodect_id}}'], data)).toBe(
      JSON.stringify([SEED_RESOURCE.url, '3']),
    );
  });

  const typed: [string][] = [
    ['{"a":[1]}'],
    ['[]'],
    ['{}'],
    ['0'],
    ['-1.5'],
    ['""'],
    ['"a"'],
    ['false'],
    ['true'],
    ['null'],
  ];
  it.each(typed)('TH-04 a string that is exactly one variable becomes the typed value: %s', (value) => {
    expect(render({ a: '{{resource.v}}', b: '{{ resource.v }}' }, `{"v":${value}}`)).toBe(
      `{"a":${value},"b":${value}}`,
    );
  });

  it('TH-04 keeps every digit of numbers, in values, in text and in the template', () => {
    const data = '{"resource":{"n":12345678901234567890,"deep":[{"x":1e400,"y":-98765432109876543210.0}]}}';
    expect(render('["{{resource.n}}", "n={{resource.n}}", "{{resource.deep}}", "{{resource.deep.0.x}}"]', data)).toBe(
      '[12345678901234567890,"n=12345678901234567890",[{"x":1e400,"y":-98765432109876540000}],1e400]',
    );
    expect(render('{"a": 12345678901234567890, "b": 1.0, "c": 1E+2, "2": -0.0, "1": 1e999}')).toBe(
      '{"a":12345678901234567890,"b":1.0,"c":1E+2,"2":-0.0,"1":1e999}',
    );
  });

  it('TH-04 inside longer text a variable becomes text, objects compact JSON', () => {
    const data = '{"o": {"a": [1, "x\\"y"]}, "n": 1.50, "f": false, "z": 0, "s": "", "t": "a\\nb"}';
    expect(
      render(
        [' {{resource.o}}', '{{resource.n}}/{{resource.f}}/{{resource.z}}', '<{{resource.s}}>', '{{resource.t}}!'],
        data,
      ),
    ).toBe(JSON.stringify([' {"a":[1,"x\\"y"]}', '1.5/false/0', '<>', 'a\nb!']));
    expect(render(['{{userId}}{{userId}}', '{{resource.missing}}{{userId}}'])).toBe('["acmeacme","acme"]');
  });

  it('TH-05 follows dot paths through objects and arrays', () => {
    const data = '{"eventData":{"items":[{"task_id":"t0"},[7,8]],"0":"zero","-1":"minus"}}';
    const paths = ['items.0.task_id', 'items.1.1', '0', '-1'];
    expect(
      render(
        paths.map((path) => `{{eventData.${path}}}`),
        data,
      ),
    ).toBe('["t0",8,"zero","minus"]');
    expect(render(['{{globals}}', '{{globals.dateUnix}}'])).toBe(
      '[{"dateISO":"1970-01-01T00:00:05.250Z","dateUnix":5},5]',
    );
  });

  it('TH-05 a missing path is null, and nothing in text', () => {
    const data = '{"eventData":{"items":["a"],"nil":null}}';
    for (const path of ['x', 'x.y.z', 'items.1', 'items.-1', 'items.00', 'items.1e0', 'items.a', 'nil.x', 'nil']) {
      expect(render([`{{eventData.${path}}}`, `<{{eventData.${path}}}>`], data)).toBe('[null,"<>"]');
    }
    expect(render(['{{userId.x}}', '{{userId.0}}', '{{createdAt.length}}'])).toBe('[null,null,null]');
  });

  it('TH-06 nothing that is inherited or built in is reachable', () => {
    const data = '{"resource":{"o":{},"a":["x"],"s":"text","n":1,"big":12345678901234567890,"b":true}}';
    const paths = [
      ...['o', 'a', 's', 'n', 'big', 'b'].flatMap((at) => [
        `${at}.__proto__`,
        `${at}.constructor`,
        `${at}.constructor.name`,
        `${at}.toString`,
        `${at}.hasOwnProperty`,
        `${at}.length`,
      ]),
      'big.rawJSON',
      's.0',
      'a.push',
      '__proto__.polluted',
      'prototype',
    ];
    const rendered = render(
      paths.map((path) => `{{resource.${path}}}`),
      data,
    );
    expect(JSON.parse(rendered)).toEqual(paths.map(() => null));
  });

  it('TH-06 a key of the data that is spelled like a built-in is data', () => {
    const data = '{"resource":{"__proto__":{"x":1},"constructor":"Ferrari","length":3,"o":{"rawJSON":"1"}}}';
    const paths = ['__proto__.x', '__proto__', 'constructor', 'length', 'o.rawJSON', 'o'];
    expect(
      render(
        paths.map((path) => `{{resource.${path}}}`),
        data,
      ),
    ).toBe('[1,{"x":1},"Ferrari",3,"1",{"rawJSON":"1"}]');
  });

  it('TH-06 what a value contains is never interpolated again', () => {
    const data = JSON.stringify({
      resource: { s: '{{userId}}', half: '{{user', o: { '{{userId}}': '{{eventType}}' } },
    });
    expect(
      render(
        ['{{resource.s}}', 'a {{resource.s}}', '{{resource.half}}Id}}', '{{resource.o}}', '-{{resource.o}}'],
        data,
      ),
    ).toBe(
      JSON.stringify([
        '{{userId}}',
        'a {{userId}}',
        '{{userId}}',
        { '{{userId}}': '{{eventType}}' },
        '-{"{{userId}}":"{{eventType}}"}',
      ]),
    );
  });

  it('ST-04 is compact, with strings in the form that JSON.stringify gives them', () => {
    expect(
      render('{ "a\\/b" : [ 1 , true ,\tnull ] ,\n"\\u0061" : "\\u00e9\\u0001\\ud83d\\ude00" , "e": {}, "f": [] }'),
    ).toBe('{"a/b":[1,true,null],"a":"é\\u0001😀","e":{},"f":[]}');
    expect(render('"{{resource}}"', '"x"')).toBe('"x"');
    expect(render('["\\ud83d{{resource}}", ""]', '"\\ude00"')).toBe('["😀",""]');
  });

  it('stops at the size it may reach, counted in bytes', () => {
    const data = JSON.stringify({ s: 'é'.repeat(1_000) });
    const body = JSON.stringify(['é'.repeat(1_000)]);
    expect(render(['{{resource.s}}'], data, Buffer.byteLength(body))).toBe(body);
    expect(() => render(['{{resource.s}}'], data, Buffer.byteLength(body) - 1)).toThrow(
      'would be larger than 2003 bytes',
    );
    expect(() => render(['-{{resource.s}}{{resource.s}}'], data, 1_500)).toThrow('would be larger than 1500 bytes');
    const large = JSON.stringify({ s: 'x'.repeat(1_000_000) });
    expect(() => render(Array(500).fill('{{resource}}') as Json, large)).toThrow('would be larger than 4194304 bytes');
    expect(() => render(['{{resource.s}}'.repeat(500)], large)).toThrow('would be larger than 4194304 bytes');
  });
});

/** Keys that tempt a careless walk, and text that looks like a template. */
const key = fc.oneof(
  fc.constantFrom('a', 'b', '0', '1', '__proto__', 'constructor', 'toString', 'length', 'rawJSON', '{{userId}}'),
  fc.string({ maxLength: 4 }),
);
const { data: anyData } = fc.letrec<{ data: Json; leaf: Json }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<Json>(null, true, false, 0, '', '{{userId}}', '{{', '}}', '{{resource}}'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'binary' }),
  ),
  data: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('data'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('data')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as Json),
  ),
}));

const path = fc
  .tuple(
    fc.constantFrom('userId', 'createdAt', 'eventType', 'eventData', 'resource', 'globals'),
    fc.array(fc.constantFrom('a', 'b', '0', '1', '__proto__', 'constructor', 'toString', 'length', 'rawJSON'), {
      maxLength: 3,
    }),
  )
  .map(([variable, segments]) => [variable, ...segments].join('.'));
const text = fc.string({ unit: 'binary' }).map((part) => part.replaceAll(/[{}]/g, ''));
const slot = fc.oneof(
  text,
  path.map((each) => `{{${each}}}`),
);
const { template: anyTemplate } = fc.letrec<{ template: Json; leaf: Json }>((tie) => ({
  leaf: fc.oneof(
    path.map((each) => `{{ ${each} }}`),
    fc.array(slot, { maxLength: 4 }).map((slots) => slots.join('')),
    fc.constantFrom<Json>(null, true, 0, 1.5),
  ),
  template: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('template'), { maxLength: 4 }),
    fc.dictionary(text, tie('template'), { maxKeys: 4 }),
  ),
}));

/** The same rules said in another way: by walking the parsed template, one string at a time. */
function expected(template: Json, known: TemplateVariables): Json {
  const find = (written: string): Json => {
    const [variable, ...rest] = written.trim().split('.');
    let at: Json = new Map(Object.entries(known)).get(variable as string) ?? null;
    for (const segment of rest) {
      const inner = typeof at === 'object' && at !== null && !isExactNumber(at) ? at : {};
      const entries = new Map<string, Json>(Object.entries(inner));
      at = entries.get(segment) ?? null;
    }
    return at;
  };
  if (Array.isArray(template)) return template.map((each: Json) => expected(each, known));
  if (typeof template === 'object' && template !== null) {
    return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, expected(value, known)]));
  }
  if (typeof template !== 'string') return template;
  const whole = /^\{\{([^{}]*)\}\}$/.exec(template);
  if (whole !== null) return find(whole[1] as string);
  return template.replaceAll(/\{\{([^{}]*)\}\}/g, (_all, written: string) => {
    const value = find(written);
    if (value === null) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

describe('payloads from any template and any data', () => {
  it('TH-04 TH-05 TH-06 are valid JSON of the template’s shape with the data’s own values, put in once', () => {
    fc.assert(
      fc.property(anyTemplate, anyData, (template, data) => {
        const asText = JSON.stringify(template);
        const rendered = render(asText, JSON.stringify(data));
        expect(rendered).toBe(JSON.stringify(expected(template, variables(JSON.stringify(data)))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('TH-04 hand the whole data on, byte for byte', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const compact = JSON.stringify(data);
        expect(
          renderPayload(
            { parts: [{ kind: 'value', placeholder: { variable: 'resource', path: [] } }] },
            { ...variables('0'), resource: exact(compact) },
          ),
        ).toEqual({ ok: true, value: compact });
      }),
    );
  });

  it('keep to the size limit or say so, and never throw', () => {
    fc.assert(
      fc.property(anyTemplate, anyData, fc.nat(200), (template, data, max) => {
        const parsed = parsePayloadTemplate(JSON.stringify(template));
        if (!parsed.ok) return;
        const known = variables(JSON.stringify(data));
        const [whole, bounded] = [renderPayload(parsed.value, known), renderPayload(parsed.value, known, max)];
        const bytes = whole.ok ? Buffer.byteLength(whole.value) : Number.NaN;
        expect(bounded).toEqual(bytes <= max ? whole : { ok: false, error: `would be larger than ${max} bytes` });
      }),
    );
  });
});
