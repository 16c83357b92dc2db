import { CloudEvent, HTTP } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningIngest, startIngest } from '../ingest-fixture.ts';

let ingest: RunningIngest;
beforeAll(async () => {
  ingest = await startIngest();
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
});

const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };

const event = (more: object = {}) => ({
  specversion: '1.0',
  id: 'a/b c',
  source: '/crawlers/1',
  type: 'crawl.page',
  time: '2026-01-31T12:00:00Z',
  subject: 'job-7',
  taskid: 'task-7',
  data: { url: 'https://example.com/' },
  ...more,
});
const headersOf = (more: object = {}) => ({
  'ce-specversion': '1.0',
  'ce-id': crypto.randomUUID(),
  'ce-source': '/crawlers/1',
  'ce-type': 'crawl.page',
  ...more,
});

describe('ST-08 CloudEvents', () => {
  it('takes structured mode', async () => {
    const reply = await ingest.post(event(), STRUCTURED);
    expect(reply).toMatchObject({ status: 202, body: { success: true, data: { duplicate: false } } });
    expect(reply.body.data.event_id).toMatch(/^ce_[\w-]{43}$/);
    const stored = await ingest.last();
    expect(stored.data).toBe('{"url":"https://example.com/"}');
    expect(stored.event).toMatchObject({
      id: reply.body.data.event_id,
      type: 'crawl.page',
      jobId: 'job-7',
      taskId: 'task-7',
      time: Date.UTC(2026, 0, 31, 12),
    });
  });

  it('takes binary mode, with percent-encoded headers and exact numbers', async () => {
    const headers = headersOf({
      'ce-subject': 'job%20%C3%A9',
      'ce-taskid': 'task-8',
      'ce-time': '2026-01-31T12:00:00Z',
    });
    expect((await ingest.post('{"n": 12345678901234567890}', headers)).status).toBe(202);
    const stored = await ingest.last();
    expect(stored.data).toBe('{"n":12345678901234567890}');
    expect(stored.event).toMatchObject({ jobId: 'job é', taskId: 'task-8', time: Date.UTC(2026, 0, 31, 12) });
  });

  it('takes what the official SDK sends, in both modes', async () => {
    for (const write of [HTTP.binary, HTTP.structured]) {
      const { headers, body } = write(new CloudEvent({ type: 'crawl.page', source: '/sdk', data: { sdk: true } }));
      const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
      expect((await ingest.post(body, sent)).status).toBe(202);
      expect((await ingest.last()).data).toBe('{"sdk":true}');
    }
  });

  it.each(['0', 'false', 'null', '""'])('takes %s for data', async (data) => {
    const text = JSON.stringify(event({ id: `falsy-${data}`, data: '#' })).replace('"#"', data);
    expect((await ingest.post(text, STRUCTURED)).status).toBe(202);
    expect((await ingest.last()).data).toBe(data);
  });

  it.each(['trigger.received', 'webhook.test', 'webhook.failing'])(
    'refuses %s, which is the platform’s own',
    async (type) => {
      const before = await ingest.stored();
      for (const reply of [
        await ingest.post(event({ type }), STRUCTURED),
        await ingest.post('{}', headersOf({ 'ce-type': type })),
        await ingest.post([event({ type })], BATCH),
      ]) {
        expect(reply).toMatchObject({ status: 400 });
        expect(reply.body.details[0]).toMatchObject({
          field: expect.stringMatching(/type$/),
          message: `must not be ${type}, which the platform alone sends`,
        });
      }
      expect(await ingest.stored()).toBe(before);
    },
  );

  it('ST-06 recognises repeats by source and id together', async () => {
    const first = await ingest.post(event({ id: '1', source: '/a' }), STRUCTURED);
    const again = await ingest.post('{}', headersOf({ 'ce-id': '1', 'ce-source': '/a' }));
    const other = await ingest.post(event({ id: '1', source: '/b' }), STRUCTURED);
    expect(again.body.data).toEqual({ ...first.body.data, duplicate: true });
    expect(other.body.data.duplicate).toBe(false);
  });

  it('takes a batch, all or nothing', async () => {
    const batch = [event({ id: 'n-1' }), event({ id: 'n-2' }), event({ id: 'n-1' })];
    const { status, body } = await ingest.post(batch, BATCH);
    expect(status).toBe(202);
    expect(body.data.events.map((one) => one.duplicate)).toEqual([false, false, true]);
    const before = await ingest.stored();
    const bad = await ingest.post([event({ id: 'n-3' }), event({ id: 'n-4', type: 'nope' })], BATCH);
    expect(bad).toMatchObject({ status: 400, body: { details: [{ field: 'events[1].type' }] } });
    const malformed = await ingest.post([event({ id: 'n-3' }), { id: 'n-5' }], BATCH);
    expect(malformed.body.details[0]?.field).toBe('events[1].source');
    expect(await ingest.stored()).toBe(before);
    expect((await ingest.post([], BATCH)).body.data).toEqual({ events: [] });
    expect((await ingest.post(event(), BATCH)).body.details[0]?.field).toBe('body');
  });

  it.each<[string, object]>([
    ['id', { id: undefined }],
    ['id', { id: '' }],
    ['source', { source: undefined }],
    ['source', { source: 'no uri reference' }],
    ['type', { type: undefined }],
    ['type', { type: 'nobody.knows' }],
    ['specversion', { specversion: undefined }],
    ['specversion', { specversion: '0.3' }],
    ['time', { time: 'yesterday' }],
    ['time', { time: 5 }],
    ['subject', { subject: 'x'.repeat(257) }],
    ['taskid', { taskid: 7 }],
    ['taskid', { taskid: 'x'.repeat(257) }],
    ['data', { data: undefined }],
    ['data', { data: JSON.parse(`${'['.repeat(65)}${']'.repeat(65)}`) }],
    ['data_base64', { data: undefined, data_base64: 'AAAA' }],
    ['datacontenttype', { datacontenttype: 'text/xml' }],
    ['task_id', { task_id: 'x' }],
    ['event', { validate: 'x' }],
  ])('names %s of %o', async (field, more) => {
    const before = await ingest.stored();
    const reply = await ingest.post(event(more), STRUCTURED);
    expect(reply).toMatchObject({ status: 400, body: { success: false, details: [{ field }] } });
    expect(await ingest.stored()).toBe(before);
  });

  it('names a missing header in binary mode, and takes no other content type', async () => {
    const incomplete = await ingest.post('{}', { 'ce-id': '1', 'ce-specversion': '1.0' });
    expect(incomplete.body.details.map((detail) => detail.field)).toEqual(['source', 'type']);
    expect((await ingest.post('<a/>', headersOf({ 'content-type': 'text/xml' }))).status).toBe(415);
  });

  it('continues the trace of the distributed tracing extension', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ingest.post(event({ id: 'traced', traceparent }), STRUCTURED);
    expect((await ingest.last()).message.header('traceparent')).toBe(traceparent);
  });
});
