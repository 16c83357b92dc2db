import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Platform } from '../support/platform.ts';

/** What an answer says, apart from ids and dates. */
interface Said {
  readonly status: number;
  readonly allow: string | null;
  readonly authenticate: string | null;
  readonly type: string | null;
  readonly body: unknown;
}

const EVENT = { type: 'crawl.page', data: 1 };
const CLOUD = { specversion: '1.0', id: '1', source: '/a', type: 'crawl.page', data: 1 };
const JSON_TYPE = { 'content-type': 'application/json' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('POST /v1/events of the gateway and of ingest', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  async function ask(base: string, method: string, body: string | Uint8Array | null, headers: object): Promise<Said> {
    const response = await fetch(`${base}/v1/events`, {
      method,
      headers: { authorization: `Bearer ${platform.apiKey}`, ...headers },
      ...(body !== null && { body: body as string }),
    });
    const text = await response.text();
    return {
      status: response.status,
      allow: response.headers.get('allow'),
      authenticate: response.headers.get('www-authenticate'),
      type: response.headers.get('content-type'),
      body: text === '' ? null : JSON.parse(text),
    };
  }

  const both = (method: string, body: string | Uint8Array | null, headers: object): Promise<Said[]> =>
    Promise.all([platform.gateway, platform.ingestHttp].map((base) => ask(base, method, body, headers)));

  it.each<[string, number, string | Uint8Array, object]>([
    ['no type', 400, JSON.stringify({ data: 1 }), JSON_TYPE],
    ['an unknown type', 400, JSON.stringify({ ...EVENT, type: 'nope' }), JSON_TYPE],
    ['an empty id', 400, JSON.stringify({ ...EVENT, id: '' }), JSON_TYPE],
    ['an empty job', 400, JSON.stringify({ ...EVENT, job_id: '' }), JSON_TYPE],
    ['a time without zone', 400, JSON.stringify({ ...EVENT, time: '2026-01-01T00:00:00' }), JSON_TYPE],
    ['an unknown field', 400, JSON.stringify({ ...EVENT, jobId: 'x' }), JSON_TYPE],
    [
      'everything wrong',
      400,
      JSON.stringify({ id: 'a b', type: 7, job_id: null, task_id: 'x'.repeat(300) }),
      JSON_TYPE,
    ],
    ['no JSON', 400, '{"type":', JSON_TYPE],
    ['no UTF-8', 400, new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE],
    ['an array', 400, '[]', JSON_TYPE],
    ['null', 400, 'null', JSON_TYPE],
    ['nothing', 400, '', JSON_TYPE],
    ['deep data', 400, `{"type":"crawl.page","data":${deep(65)}}`, JSON_TYPE],
    ['very deep data', 400, `{"type":"crawl.page","data":${deep(5_000)}}`, JSON_TYPE],
    ['more than 1 MB of data', 413, JSON.stringify({ ...EVENT, data: 'x'.repeat(1_048_576) }), JSON_TYPE],
    ['far more', 413, JSON.stringify({ ...EVENT, data: 'x'.repeat(4_000_000) }), JSON_TYPE],
    ['another type of content', 415, 'type=crawl.page', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a compressed body', 415, JSON.stringify(EVENT), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['an incomplete CloudEvent', 400, JSON.stringify({ id: '1', type: 'nope' }), STRUCTURED],
    ['a batch with a wrong one', 400, JSON.stringify([CLOUD, { ...CLOUD, type: 'nope' }]), BATCH],
    ['a batch that is none', 400, JSON.stringify(CLOUD), BATCH],
    ['an incomplete binary CloudEvent', 400, '{}', { ...JSON_TYPE, 'ce-id': '1', 'ce-specversion': '1.0' }],
  ])('answer %s alike', async (_name, status, body, headers) => {
    const [gateway, ingest] = await both('POST', body, headers);
    expect(gateway?.status).toBe(status);
    expect(gateway?.body).toMatchObject({ success: false, error: expect.any(String) });
    expect(gateway).toEqual(ingest);
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('answer %s alike: 405 with Allow', async (method) => {
    const [gateway, ingest] = await both(method, null, {});
    expect(gateway).toMatchObject({ status: 405, allow: 'POST' });
    expect(gateway).toEqual(ingest);
  });

  it.each([{ authorization: '' }, { authorization: 'Basic x' }, { authorization: 'Bearer unknown-key-0123456789' }])(
    'AC-01 answer %o alike',
    async (headers) => {
      const [gateway, ingest] = await both('POST', JSON.stringify(EVENT), { ...JSON_TYPE, ...headers });
      expect(gateway).toMatchObject({ status: 401, authenticate: expect.stringMatching(/^Bearer/) });
      expect(gateway).toEqual(ingest);
    },
  );

  it.each<[string, (id: string) => [string, object]]>([
    ['our own form', (id) => [JSON.stringify({ ...EVENT, id, tags: ['a'] }), JSON_TYPE]],
    ['structured CloudEvents', (id) => [JSON.stringify({ ...CLOUD, id }), STRUCTURED]],
    [
      'binary CloudEvents',
      (id) => ['1', { ...JSON_TYPE, 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/a', 'ce-type': 'crawl.page' }],
    ],
    [
      'CloudEvents batches',
      (id) => [
        JSON.stringify([
          { ...CLOUD, id },
          { ...CLOUD, id: `${id}-2` },
        ]),
        BATCH,
      ],
    ],
  ])('ST-06 ST-08 take %s, and recognise what the other has taken', async (name, made) => {
    const [body, headers] = made(`edge-${name.length}`);
    const first = await ask(platform.gateway, 'POST', body, headers);
    const second = await ask(platform.ingestHttp, 'POST', body, headers);
    expect(first.status).toBe(202);
    expect(JSON.stringify(second)).toBe(JSON.stringify(first).replaceAll('"duplicate":false', '"duplicate":true'));
  });
});
