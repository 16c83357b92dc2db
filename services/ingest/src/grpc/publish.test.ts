import { Code, RpcError } from '@grapnel/rpc/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  json,
  KEY,
  OTHER_KEY,
  OTHER_TENANT,
  REVOKED_KEY,
  type RunningIngest,
  startIngest,
  TENANT,
} from '../ingest-fixture.ts';

let ingest: RunningIngest;
beforeAll(async () => {
  ingest = await startIngest();
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
});

const refusal = async (call: Promise<unknown>): Promise<RpcError> => {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
};
const page = (more: object = {}) => ({ type: 'crawl.page', data: json({ url: 'https://example.com/' }), ...more });

describe('Publish', () => {
  it('stores the data byte for byte, and what is known about it', async () => {
    const data = Buffer.from('{ "n": 12345678901234567890, "f":1.0 }');
    const time = { seconds: 1_700_000_000n, nanos: 123_456_789 };
    const { eventId, duplicate } = await ingest.client.publish({
      event: { id: 'page-1', type: 'crawl.page', jobId: 'job-1', taskId: 'task-1', time, data },
    });
    expect({ eventId, duplicate }).toEqual({ eventId: 'page-1', duplicate: false });
    const stored = await ingest.last();
    expect(stored.data).toBe(data.toString());
    expect(stored.event).toMatchObject({
      id: 'page-1',
      tenant: TENANT,
      type: 'crawl.page',
      jobId: 'job-1',
      taskId: 'task-1',
      time: 1_700_000_000_123,
    });
  });

  it('makes an id where the producer gave none', async () => {
    const { eventId } = await ingest.client.publish({ event: page() });
    expect(eventId).toMatch(/^evt_[0-9a-z]{26}$/);
    expect((await ingest.last()).event.id).toBe(eventId);
  });

  it('ST-06 stores the same id once, and says so; another tenant may use it', async () => {
    const event = page({ id: 'twice' });
    await ingest.client.publish({ event });
    const before = await ingest.stored();
    expect(await ingest.client.publish({ event })).toMatchObject({ eventId: 'twice', duplicate: true });
    expect(await ingest.stored()).toBe(before);
    const other = ingest.clientWith(OTHER_KEY);
    expect(await other.publish({ event })).toMatchObject({ duplicate: false });
    expect((await ingest.last()).event.tenant).toBe(OTHER_TENANT);
  });

  it.each([
    ['type', { type: 'nobody.knows' }],
    ['type', { type: '' }],
    ['type', { type: 'webhook.test' }],
    ['type', { type: 'trigger.received' }],
    ['type', { type: 'webhook.auto_disabled' }],
    ['id', { id: 'no spaces please' }],
    ['id', { id: 'x'.repeat(129) }],
    ['job_id', { jobId: 'j'.repeat(257) }],
    ['task_id', { taskId: 'line\nbreak' }],
    ['time', { time: { seconds: 999_999_999_999n, nanos: 0 } }],
    ['time', { time: { seconds: 1n, nanos: -5 } }],
    ['data', { data: new Uint8Array() }],
    ['data', { data: Buffer.from('{"a":') }],
    ['data', { data: Buffer.from([0x22, 0xff, 0x22]) }],
    ['data', { data: Buffer.from(`${'['.repeat(65)}${']'.repeat(65)}`) }],
    ['data', { data: Buffer.from('['.repeat(500_000)) }],
  ])('names %s of %o and stores nothing', async (field, more) => {
    const before = await ingest.stored();
    const error = await refusal(ingest.client.publish({ event: page(more) }));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(error.details.violations?.map((violation) => violation.field)).toEqual([field]);
    expect(await ingest.stored()).toBe(before);
  });

  it('names every wrong field at once, and a missing event', async () => {
    const all = await refusal(ingest.client.publish({ event: { id: '?', type: 'x', data: Buffer.from('x') } }));
    expect(all.details.violations?.map(({ field }) => field)).toEqual(['id', 'type', 'data']);
    const none = await refusal(ingest.client.publish({}));
    expect(none.details.violations).toMatchObject([{ field: 'event', code: 'REQUIRED' }]);
  });

  it('AC-15 takes 1 MB of data and refuses one byte more', async () => {
    const sized = (bytes: number) => Buffer.from(`"${'x'.repeat(bytes - 2)}"`);
    await ingest.client.publish({ event: page({ data: sized(1_048_576) }) });
    const before = await ingest.stored();
    const error = await refusal(ingest.client.publish({ event: page({ data: sized(1_048_577) }) }));
    expect(error).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: { violations: [{ field: 'data', code: 'TOO_LARGE' }] },
    });
    expect(await ingest.stored()).toBe(before);
  });

  it('takes 64 levels of nesting', async () => {
    const data = Buffer.from(`${'['.repeat(64)}${']'.repeat(64)}`);
    expect(await ingest.client.publish({ event: page({ data }) })).toMatchObject({ duplicate: false });
  });

  it.each([
    ['unknown-key-0123456789', 'Invalid API key'],
    [REVOKED_KEY, 'API key is inactive'],
    ['two words', 'Invalid authorization header format'],
  ])('AC-01 refuses the key %s: %s', async (key, message) => {
    const error = await refusal(ingest.clientWith(key).publish({ event: page() }));
    expect(error).toMatchObject({ code: Code.UNAUTHENTICATED, message });
  });

  it('lets a service publish for a tenant it names', async () => {
    const service = ingest.clientWith(ingest.serviceToken);
    await service.publish({ event: page() }, { metadata: { 'grapnel-tenant': OTHER_TENANT } });
    expect((await ingest.last()).event.tenant).toBe(OTHER_TENANT);
    expect((await refusal(service.publish({ event: page() }))).code).toBe(Code.INVALID_ARGUMENT);
  });

  it('passes the trace context on unchanged while tracing is off, the event’s own before the call’s', async () => {
    const call = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const own = '00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00';
    const metadata = { traceparent: call };
    await ingest.client.publish({ event: page() }, { metadata });
    expect((await ingest.last()).message.header('traceparent')).toBe(call);
    await ingest.client.publish({ event: page({ traceparent: own }) }, { metadata });
    expect((await ingest.last()).message.header('traceparent')).toBe(own);
    await ingest.client.publish({ event: page({ traceparent: 'broken\r\nx: y' }) });
    expect((await ingest.last()).message.header('traceparent')).toBeUndefined();
  });
});

describe('PublishBatch', () => {
  it('answers each event by itself, in order', async () => {
    const before = await ingest.stored();
    const events = [page({ id: 'b-1' }), page({ type: 'nope' }), page({ id: 'b-1' }), page({ id: '' })];
    const { results } = await ingest.client.publishBatch({ events });
    expect(results.map(({ outcome }) => outcome.case)).toEqual(['accepted', 'error', 'accepted', 'accepted']);
    expect(results[1]?.outcome.value).toMatchObject({ code: Code.INVALID_ARGUMENT, fields: [{ field: 'type' }] });
    expect(results[2]?.outcome.value).toMatchObject({ eventId: 'b-1', duplicate: true });
    expect(await ingest.stored()).toBe(before + 2);
  });

  it('refuses batches of none, of too many and of too much', async () => {
    const before = await ingest.stored();
    const half = Buffer.from(`"${'x'.repeat(1_000_000)}"`);
    for (const [events, code] of [
      [[], 'REQUIRED'],
      [Array.from({ length: 1_001 }, () => page()), 'TOO_LONG'],
      [Array.from({ length: 9 }, () => page({ data: half })), 'TOO_LARGE'],
    ] as const) {
      const error = await refusal(ingest.client.publishBatch({ events: [...events] }));
      expect(error).toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: { violations: [{ field: 'events', code }] },
      });
    }
    expect(await ingest.stored()).toBe(before);
  });
});

it('AC-01 asks for a key without an authorization header', async () => {
  const { headers, ...reply } = await ingest.post({ type: 'crawl.page', data: 1 }, { authorization: '' });
  expect(reply).toEqual({ status: 401, body: { success: false, error: 'No authorization header provided' } });
  expect(headers.get('www-authenticate')).toBe('Bearer realm="grapnel"');
  expect(KEY).not.toBe('');
});
