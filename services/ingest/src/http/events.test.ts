import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, REVOKED_KEY, type RunningIngest, send, startIngest } from '../ingest-fixture.ts';

let ingest: RunningIngest;
beforeAll(async () => {
  ingest = await startIngest();
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
});

const page = (more: object = {}) => ({ type: 'crawl.page', data: { url: 'https://example.com/' }, ...more });
const raw = (data: string): string => `{"type":"crawl.page","data":${data}}`;

describe('POST /v1/events', () => {
  it('stores every field and answers 202 in the AnyCrawl form', async () => {
    const event = page({ id: 'http-1', job_id: 'job-1', task_id: 'task-1', time: '2026-01-31T12:00:00+01:00' });
    expect(await ingest.post(event)).toMatchObject({
      status: 202,
      body: { success: true, data: { event_id: 'http-1', duplicate: false } },
    });
    const stored = await ingest.last();
    expect(stored.data).toBe('{"url":"https://example.com/"}');
    expect(stored.event).toMatchObject({
      id: 'http-1',
      jobId: 'job-1',
      taskId: 'task-1',
      time: Date.UTC(2026, 0, 31, 11),
    });
  });

  it('ST-06 says that an id was there already', async () => {
    await ingest.post(page({ id: 'http-2' }));
    expect((await ingest.post(page({ id: 'http-2' }))).body.data).toEqual({ event_id: 'http-2', duplicate: true });
  });

  it('keeps every digit of numbers, and writes the data compactly', async () => {
    await ingest.post(
      '{ "type": "crawl.page", "data": { "big": 12345678901234567890, "huge": 1e400, "n": 0.1, "é": "\\u00e9" } }',
    );
    expect((await ingest.last()).data).toBe('{"big":12345678901234567890,"huge":1e400,"n":0.1,"é":"é"}');
  });

  it.each(['null', '0', 'false', '""', '[]', '{"__proto__":1}'])('takes %s for data', async (data) => {
    expect((await ingest.post(raw(data))).status).toBe(202);
    expect((await ingest.last()).data).toBe(data);
  });

  it.each<[string, string, unknown]>([
    ['type', 'REQUIRED', { data: 1 }],
    ['type', 'INVALID_TYPE', page({ type: 5 })],
    ['type', 'INVALID_VALUE', page({ type: 'nobody.knows' })],
    ['type', 'INVALID_VALUE', page({ type: 'trigger.received' })],
    ['type', 'INVALID_VALUE', page({ type: 'delivery.exhausted' })],
    ['id', 'INVALID_VALUE', page({ id: '' })],
    ['id', 'INVALID_VALUE', page({ id: 'a/b' })],
    ['id', 'INVALID_TYPE', page({ id: null })],
    ['job_id', 'TOO_LONG', page({ job_id: 'j'.repeat(257) })],
    ['task_id', 'INVALID_VALUE', page({ task_id: 'a\u0000b' })],
    ['time', 'INVALID_VALUE', page({ time: 'yesterday' })],
    ['time', 'INVALID_VALUE', page({ time: '2026-02-30T00:00:00Z' })],
    ['time', 'INVALID_VALUE', page({ time: '2026-01-01T00:00:00' })],
    ['data', 'REQUIRED', { type: 'crawl.page' }],
    ['data', 'INVALID_VALUE', raw(`${'['.repeat(65)}${']'.repeat(65)}`)],
    ['data', 'INVALID_VALUE', raw('['.repeat(300_000))],
    ['jobid', 'UNKNOWN_FIELD', page({ jobid: 'x' })],
    ['__proto__', 'UNKNOWN_FIELD', '{"type":"crawl.page","data":1,"__proto__":{"type":"x"}}'],
    ['body', 'INVALID_VALUE', '{"type":'],
    ['body', 'INVALID_VALUE', new Uint8Array([0x22, 0xff, 0x22])],
    ['body', 'INVALID_TYPE', '[1]'],
    ['body', 'INVALID_TYPE', 'null'],
    ['body', 'REQUIRED', ''],
  ])('names %s (%s) and stores nothing', async (field, code, body) => {
    const before = await ingest.stored();
    const reply = await ingest.post(body);
    expect(reply).toMatchObject({
      status: 400,
      body: { success: false, error: 'Validation error', message: expect.any(String), details: [{ field, code }] },
    });
    expect(reply.body.details[0]?.message).not.toBe('');
    expect(await ingest.stored()).toBe(before);
  });

  it('AC-04 says what is wrong in form and in content at once', async () => {
    const { body } = await ingest.post({ id: 'a b', type: 'nope', job_id: 7, tags: ['ok', 1], more: 1 });
    expect(body.details.map((detail) => detail.field).toSorted()).toEqual([
      ...['data', 'id', 'job_id', 'more', 'tags[1]', 'type'],
    ]);
  });

  it('reports every unknown field', async () => {
    const { body } = await ingest.post(page({ a: 1, b: 2 }));
    expect(body.details.map((detail) => detail.field)).toEqual(['a', 'b']);
  });

  it('takes 64 levels of nesting', async () => {
    expect((await ingest.post(raw(`${'['.repeat(64)}${']'.repeat(64)}`))).status).toBe(202);
  });

  it('AC-15 refuses data over 1 MB, counting it as it is stored, not as it is escaped', async () => {
    const escaped = '\\u4e2d'.repeat(349_000);
    expect((await ingest.post(raw(`"${escaped}"`))).status).toBe(202);
    const before = await ingest.stored();
    const over = await ingest.post(raw(`"${'x'.repeat(1_048_575)}"`));
    expect(over).toMatchObject({ status: 413, body: { details: [{ field: 'data', code: 'TOO_LARGE' }] } });
    const far = await ingest.post(raw(`"${'x'.repeat(4_000_000)}"`));
    expect(far).toMatchObject({ status: 413, body: { details: [{ field: 'data', code: 'TOO_LARGE' }] } });
    expect(await ingest.stored()).toBe(before);
  });

  it('refuses other content types', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      expect(await ingest.post('type=crawl.page', { 'content-type': type })).toMatchObject({
        status: 415,
        body: { success: false, error: expect.stringContaining('application/json') },
      });
    }
  });

  it.each([
    [{}, 'No authorization header provided'],
    [{ authorization: 'Basic abc' }, 'Invalid authorization header format'],
    [{ authorization: 'Bearer ' }, 'Invalid authorization header format'],
    [{ authorization: 'Bearer unknown-key-0123456789' }, 'Invalid API key'],
    [{ authorization: `Bearer ${REVOKED_KEY}` }, 'API key is inactive'],
  ])('AC-01 answers %o with 401', async (headers: Record<string, string>, error) => {
    const reply = await send(`${ingest.http}/v1/events`, page(), { 'content-type': 'application/json', ...headers });
    expect(reply).toMatchObject({ status: 401, body: { success: false, error } });
    expect(Object.keys(reply.body)).toEqual(['success', 'error']);
  });

  it('does not take the service token, which is for gRPC', async () => {
    expect((await ingest.post(page(), { authorization: `Bearer ${ingest.serviceToken}` })).status).toBe(401);
  });

  it('passes the trace context on', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ingest.post(page(), { traceparent });
    expect((await ingest.last()).message.header('traceparent')).toBe(traceparent);
  });
});

const OPENAPI = { paths: { '/v1/events': {} }, components: { schemas: { PublishEventInput: { required: ['type'] } } } };

describe('everything else', () => {
  const get = (path: string, method = 'GET') =>
    fetch(ingest.http + path, { method, headers: { authorization: `Bearer ${KEY}` } });

  it('answers unknown paths, wrong methods and bad URLs in JSON', async () => {
    expect((await get('/nowhere')).status).toBe(404);
    expect(await (await get('/nowhere')).json()).toEqual({ success: false, error: 'Not found' });
    const wrong = await get('/v1/events', 'DELETE');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await wrong.json()).toMatchObject({ success: false });
    expect((await get('/v1/events')).status).toBe(405);
    const bad = await get('/%ff');
    expect([bad.status, ((await bad.json()) as { success: boolean }).success]).toEqual([400, false]);
  });

  it.each(['/healthz', '/readyz', '/metrics'])('serves %s on both ports', async (path) => {
    for (const base of [ingest.http, ingest.ops]) expect((await fetch(base + path)).status).toBe(200);
  });

  it('describes itself', async () => {
    const openapi = (await (await get('/openapi.json')).json()) as typeof OPENAPI;
    expect(openapi.paths['/v1/events']).toBeDefined();
    expect(openapi.components.schemas.PublishEventInput.required).toContain('type');
  });
});
