import { timestampMs } from '@bufbuild/protobuf/wkt';
import { CATALOGUE } from '@grapnel/domain/catalogue';
import { RpcError } from '@grapnel/rpc/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHER_KEY, startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const publish = (raw: string) => gateway.ask('POST', '/v1/events', { raw });
const last = () => gateway.ingest.events.at(-1);

describe('publishing', () => {
  it('hands the event to ingest under the tenant', async () => {
    const { status, json } = await gateway.ask('POST', '/v1/events', {
      key: OTHER_KEY,
      body: {
        id: 'e-1',
        type: 'task.executed',
        job_id: 'j',
        task_id: 't',
        time: '2026-01-27T10:00:00.250Z',
        data: { a: 1 },
      },
    });
    expect(status).toBe(202);
    expect(json).toEqual({ success: true, data: { event_id: 'e-1', duplicate: false } });
    expect(last()).toMatchObject({
      tenant: 'other',
      data: '{"a":1}',
      event: { id: 'e-1', type: 'task.executed', jobId: 'j', taskId: 't' },
    });
    const time = last()?.event.time;
    expect(time && timestampMs(time)).toBe(Date.UTC(2026, 0, 27, 10, 0, 0, 250));
  });

  it('ST-06 says when the event was there already', async () => {
    const event = '{"id":"twice","type":"crawl.page","data":null}';
    expect((await publish(event)).json.data).toEqual({ event_id: 'twice', duplicate: false });
    expect((await publish(event)).json.data).toEqual({ event_id: 'twice', duplicate: true });
  });

  it('ST-04 keeps every digit, the order of fields and odd keys', async () => {
    const data =
      '{"big":12345678901234567890,"small":0.1,"huge":1e400,"z":1,"a":[9007199254740993,-0.5],"__proto__":{"x":1},"t":"é\\u0000😀"}';
    const { status } = await publish(`{ "type": "crawl.page", "data": ${data.replaceAll(',', ' ,\n ')} }`);
    expect(status).toBe(202);
    expect(last()?.data).toBe(data);
  });

  it.each(['null', 'false', '0', '""', '[]', '{}', '"text"'])('takes %s as data', async (data) => {
    expect((await publish(`{"type":"crawl.page","data":${data}}`)).status).toBe(202);
    expect(last()?.data).toBe(data);
  });

  it.each([
    ['{"type":"crawl.page"}', 'data', 'REQUIRED'],
    ['{"data":1}', 'type', 'REQUIRED'],
    ['{"type":"crawl.done","data":1}', 'type', 'INVALID_VALUE'],
    ['{"type":"webhook.test","data":1}', 'type', 'INVALID_VALUE'],
    ['{"type":"trigger.received","data":1}', 'type', 'INVALID_VALUE'],
    ['{"type":"crawl.page","data":1,"id":"a b"}', 'id', 'INVALID_VALUE'],
    ['{"type":"crawl.page","data":1,"id":7}', 'id', 'INVALID_TYPE'],
    ['{"type":"crawl.page","data":1,"job_id":""}', 'job_id', 'TOO_SHORT'],
    ['{"type":"crawl.page","data":1,"time":1769508000}', 'time', 'INVALID_TYPE'],
    ['{"type":"crawl.page","data":1,"time":"soon"}', 'time', 'INVALID_VALUE'],
    ['{"type":"crawl.page","data":1,"jobId":"x"}', 'jobId', 'UNKNOWN_FIELD'],
    ['[]', 'body', 'INVALID_TYPE'],
    ['"x"', 'body', 'INVALID_TYPE'],
    ['null', 'body', 'INVALID_TYPE'],
    ['', 'body', 'REQUIRED'],
    ['{"type":"crawl.page","data":1,"id":""}', 'id', 'INVALID_VALUE'],
  ])('refuses %s', async (raw, field, code) => {
    const { status, json } = await publish(raw);
    expect(status).toBe(400);
    expect(json.details).toMatchObject([{ field, code }]);
  });

  it('AC-15 refuses more than 1 MB with the size, and far more before reading it', async () => {
    const tooMuch = await publish(`{"type":"crawl.page","data":"${'x'.repeat(1_048_576)}"}`);
    expect(tooMuch.status).toBe(413);
    expect(tooMuch.json.details).toMatchObject([
      { field: 'data', code: 'TOO_LARGE', message: expect.stringContaining('1048578 bytes') },
    ]);
    const justRight = await publish(`{"type":"crawl.page","data":"${'x'.repeat(1_048_574)}"}`);
    expect(justRight.status).toBe(202);
    const farMore = await publish(`{"type":"crawl.page","data":"${'x'.repeat(4_000_000)}"}`);
    expect(farMore.status).toBe(413);
    expect(farMore.json.details).toMatchObject([{ field: 'data', code: 'TOO_LARGE' }]);
  });

  it('AC-04 says what is wrong in form and what in content at once', async () => {
    const { json } = await publish('{"id":"a b","type":"crawl","job_id":7,"more":1}');
    expect(json.details.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      ...['data', 'id', 'job_id', 'more', 'type'],
    ]);
    expect(json.message).toContain('type is not a known event type ("crawl")');
  });

  it('says how long to wait when the store does not confirm', async () => {
    gateway.ingest.failure = RpcError.unavailable('the store did not confirm', 2_400);
    const { status, json, headers } = await publish('{"type":"crawl.page","data":1}');
    gateway.ingest.failure = null;
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('3');
    expect(json.success).toBe(false);
  });
});

describe('ST-08 CloudEvents', () => {
  const event = { specversion: '1.0', id: 'a/b', source: '/crawlers/1', type: 'crawl.page', subject: 'job-7', data: 1 };
  const structured = { 'content-type': 'application/cloudevents+json' };
  const batch = { 'content-type': 'application/cloudevents-batch+json' };

  it('are taken in structured and in binary mode', async () => {
    const one = await gateway.ask('POST', '/v1/events', { body: event, headers: structured });
    expect(one).toMatchObject({
      status: 202,
      json: { data: { event_id: expect.stringMatching(/^ce_/), duplicate: false } },
    });
    expect(last()).toMatchObject({ data: '1', event: { type: 'crawl.page', jobId: 'job-7' } });
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'a/b', 'ce-source': '/crawlers/1', 'ce-type': 'crawl.page' };
    const again = await gateway.ask('POST', '/v1/events', { raw: '1', headers });
    expect(again.json.data).toEqual({ ...one.json.data, duplicate: true });
  });

  it('are taken as a batch, all or none', async () => {
    const events = ['n-1', 'n-2', 'n-1'].map((id) => ({ ...event, id }));
    const { status, json } = await gateway.ask('POST', '/v1/events', { body: events, headers: batch });
    expect(status).toBe(202);
    expect(json.data.events.map(({ duplicate }: { duplicate: boolean }) => duplicate)).toEqual([false, false, true]);
    const before = gateway.ingest.events.length;
    const bad = [{ ...event, id: 'n-3' }, { ...event, type: 'nope' }, { id: 'n-5' }];
    const refused = await gateway.ask('POST', '/v1/events', { body: bad, headers: batch });
    expect(refused.status).toBe(400);
    expect(refused.json.details.map(({ field }: { field: string }) => field)).toEqual([
      ...['events[1].type', 'events[2].source', 'events[2].type', 'events[2].specversion', 'events[2].data'],
    ]);
    expect(gateway.ingest.events).toHaveLength(before);
    expect((await gateway.ask('POST', '/v1/events', { body: [], headers: batch })).json.data).toEqual({ events: [] });
  });
});

describe('the catalogue', () => {
  it('AC-09 lists every type by family', async () => {
    const { status, json } = await gateway.ask('GET', '/v1/webhook-events');
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['success', 'data']);
    expect(json.data.event_types).toEqual(CATALOGUE.map(({ name }) => name));
    expect(json.data.categories['scrape']).toEqual([
      ...['scrape.created', 'scrape.started', 'scrape.completed', 'scrape.failed', 'scrape.cancelled'],
    ]);
    expect(Object.values(json.data.categories).flat()).toHaveLength(CATALOGUE.length);
  });
});

describe('explaining', () => {
  it('ST-07 gives a verdict per webhook, with the reason', async () => {
    const wanted = await gateway.create({ event_types: ['map.failed'] });
    const { status, json } = await gateway.ask('POST', '/v1/webhooks/explain', {
      body: { type: 'map.failed', webhook_id: wanted },
    });
    expect(status).toBe(200);
    expect(json).toEqual({ success: true, data: [{ webhook_id: wanted, verdict: 'matched', reason: 'because' }] });
    const other = await gateway.create();
    const all = await gateway.ask('POST', '/v1/webhooks/explain', { body: { type: 'map.failed' } });
    expect(all.json.data).toContainEqual({ webhook_id: other, verdict: 'filtered_by_type', reason: 'because' });
  });

  it('ST-07 refuses a type that is not in the catalogue', async () => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks/explain', { body: { type: 'map.done' } });
    expect(status).toBe(400);
    expect(json.message).toBe('type is not a known event type ("map.done"): GET /v1/webhook-events lists them');
  });

  it.each([{}, { type: '' }, { type: 7 }, { type: 'map.failed', event: 1 }])('ST-07 refuses %j', async (body) => {
    expect((await gateway.ask('POST', '/v1/webhooks/explain', { body })).status).toBe(400);
  });
});
