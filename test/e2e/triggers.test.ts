import { decodeEvent } from '@grapnel/contracts/event-codec';
import { decodeText } from '@grapnel/contracts/message';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';
import { TestTrigger } from '../support/triggers.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await Platform.start();
}, 60_000);
afterAll(() => platform[Symbol.asyncDispose]());

const create = (config?: object): Promise<TestTrigger> => TestTrigger.create(platform, config);

/** The newest stored event. */
async function lastEvent() {
  const { streams } = platform.ground.open;
  const stream = platform.ground.names.streams.events;
  const { lastSequence } = await streams.state(stream);
  const message = await streams.get(stream, lastSequence);
  if (message === null) throw new Error('nothing is stored');
  return { event: decodeEvent(message), data: JSON.parse(decodeText(message.body)), sequence: lastSequence };
}

describe('a trigger that is called by what follows from it', () => {
  it('NB-09 ends: the call that has come through eight triggers is answered 508 and stores nothing', async () => {
    const trigger = await create();
    const { id } = await platform.createWebhook('/unused', {
      webhook_url: platform.ingestHttp + trigger.path,
      event_types: ['trigger.received'],
      scope: 'specific',
      specific_task_ids: [trigger.id],
      max_retries: 0,
    });
    expect((await trigger.call()).status).toBe(200);
    const ended = await platform.ended(id, 8, 30_000);
    const statuses = ended.map(({ response_status: status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 200, 200, 200, 508]);
  });

  it('NB-08 hands on how far it has come with the requests of its flow, whatever the flow says', async () => {
    const url = platform.receiver.url('/hops');
    const trigger = await create({ steps: [{ type: 'call_out', url, headers: { 'grapnel-HOPS': '0' } }] });
    await trigger.call();
    await trigger.call({}, { 'Grapnel-Hops': '7' });
    await trigger.call({}, { 'Grapnel-Hops': 'none of ours' });
    await trigger.ended(3);
    const said = platform.receiver.requestsTo('/hops').map((request) => String(request.header('grapnel-hops')));
    expect(said.toSorted()).toEqual(['1', '1', '8']);
    const refused = await trigger.call({}, { 'Grapnel-Hops': '8' });
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([508, expect.stringContaining('Loop detected')]);
  });
});

describe('the URL of a trigger', () => {
  it('NB-01 is made by the system, differs for each and is bound to it', async () => {
    const [a, b] = [await create(), await create()];
    expect(a.path).toMatch(/^\/triggers\/[A-Za-z0-9_-]{43}$/);
    expect(a.path).not.toBe(b.path);
    expect((await a.call()).status).toBe(200);
    const { event, data } = await lastEvent();
    expect([event.tenant, event.taskId, data.trigger]).toEqual([platform.tenant, a.id, a.id]);
    const refused = await platform.call('POST', '/v1/triggers', { name: 'x', token: 'mine' });
    expect([refused.status, refused.body.details[0].field]).toEqual([400, 'token']);
  });

  it('NB-01 is answered 404 when unknown, disabled, deleted or replaced', async () => {
    const trigger = await create();
    const unknown = await fetch(`${platform.ingestHttp}/triggers/${'A'.repeat(43)}`, { method: 'POST', body: '{}' });
    expect([unknown.status, await unknown.json()]).toEqual([404, { success: false, error: 'Not found' }]);
    await trigger.change('disable');
    await trigger.answers((status) => status === 404);
    await trigger.change('enable');
    await trigger.answers((status) => status !== 404);
    const old = trigger.path;
    const fresh = (await trigger.change('rotate-url', 'POST')).path as string;
    await trigger.answers((status) => status === 404);
    trigger.path = fresh;
    expect(old).not.toBe(fresh);
    expect((await trigger.call()).status).toBe(200);
    expect((await platform.call('DELETE', `/v1/triggers/${trigger.id}`)).status).toBe(200);
    await trigger.answers((status) => status === 404);
    expect((await platform.call('GET', `/v1/triggers/${trigger.id}`)).status).toBe(404);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'NB-02 takes POST alone: %s is answered 405',
    async (method) => {
      const trigger = await create();
      const { status, headers } = await trigger.call({}, {}, { method });
      expect([status, headers.get('allow')]).toEqual([405, 'POST']);
    },
  );

  it('NB-03 asks for user and password where they are set, and never shows the password', async () => {
    const trigger = await create({ basic_auth: { username: 'shop', password: 'sésame:öffne' } });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const headers of [
      {},
      basic('shop:wrong'),
      basic('other:sésame:öffne'),
      basic('shop'),
      { authorization: 'Bearer x' },
    ]) {
      const { status, headers: answered } = await trigger.call({}, headers);
      expect([status, answered.get('www-authenticate')]).toEqual([401, 'Basic realm="trigger", charset="UTF-8"']);
    }
    expect((await trigger.call({}, basic('shop:sésame:öffne'))).status).toBe(200);
    const { body } = await platform.call('GET', `/v1/triggers/${trigger.id}`);
    expect(body.data.basic_auth).toEqual({ username: 'shop' });
    expect(JSON.stringify(body)).not.toContain('sésame');
    // A new name keeps the password; nobody else's URL is asked for it.
    await platform.call('PUT', `/v1/triggers/${trigger.id}`, { basic_auth: { username: 'store' } });
    await until('the new name is known', async () => {
      return (await trigger.call({}, basic('store:sésame:öffne'))).status === 200;
    });
    await platform.call('PUT', `/v1/triggers/${trigger.id}`, { basic_auth: null });
    await until('nothing is asked for', async () => (await trigger.call()).status === 200);
  });
});

describe('the parts of a call', () => {
  it('NB-04 NB-05 become variables by header, query path and body path', async () => {
    const trigger = await create({
      mapping: {
        headers: [{ path: 'X-Request-Id' }, { path: 'DATE', alias: 'sent' }],
        query: [{ path: 'query[0].a', alias: 'first' }, { path: 'page' }],
        body: [{ path: 'b.c' }, { path: 'rows[].name', alias: 'names' }],
      },
    });
    const body = { b: { c: 0, d: 1 }, rows: [{ name: 'x' }, { name: 'y' }], other: true };
    const headers = { 'x-request-id': 'r-1', date: 'Tue, 24 Nov 2026 10:00:00 GMT' };
    await trigger.call(body, headers, { query: '?query[0][a]=1&query[1]=2&page=3' });
    expect((await lastEvent()).data).toEqual({
      trigger: trigger.id,
      name: 'orders',
      variables: {
        headers: { 'X-Request-Id': 'r-1', sent: 'Tue, 24 Nov 2026 10:00:00 GMT' },
        query: { page: '3', first: '1' },
        body: { b: { c: 0 }, names: ['x', 'y'] },
      },
    });
  });

  it('NB-05 a sample becomes the list of its paths', async () => {
    const paths = async (sample: string) =>
      (await platform.call('POST', '/v1/triggers/parse-sample', { sample })).body.data;
    expect(await paths('{"a":1,"b":{"c":2}}')).toEqual({ source: 'body', paths: ['a', 'b', 'b.c'] });
    expect(await paths('{"rows":[{"name":"x"}]}')).toEqual({ source: 'body', paths: ['rows', 'rows[].name'] });
    const query = { source: 'query', paths: ['query', 'query[0]', 'query[0].a'] };
    expect(await paths('https://example.com/hook?query[0][a]=1#top')).toEqual(query);
    expect(await paths('?query%5B0%5D%5Ba%5D=1')).toEqual(query);
    expect(await paths('page=1')).toEqual({ source: 'query', paths: ['page'] });
    expect(await paths('https://example.com/hook')).toEqual({ source: 'query', paths: [] });
    const broken = await platform.call('POST', '/v1/triggers/parse-sample', { sample: '{"a":' });
    expect([broken.status, broken.body.details[0].field]).toEqual([400, 'sample']);
  });

  it('NB-06 a body is JSON alone: 415, 400 and 413 store nothing', async () => {
    const trigger = await create();
    const before = (await trigger.call({ n: 1 }), (await lastEvent()).sequence);
    expect((await trigger.call('a=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect((await trigger.call('<a/>', { 'content-type': 'text/xml' })).status).toBe(415);
    expect((await trigger.call('{"a":')).status).toBe(400);
    expect((await trigger.call('['.repeat(200) + ']'.repeat(200))).status).toBe(400);
    const megabyte = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    expect((await trigger.call(megabyte(1_048_577))).status).toBe(413);
    expect((await lastEvent()).sequence).toBe(before);
    expect((await trigger.call(megabyte(1_048_576))).status).toBe(200);
    expect((await trigger.call('{"a":1}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
  });

  it('NB-06 the whole body is available where nothing is mapped, digits included', async () => {
    const trigger = await create();
    await trigger.call('{"id":12345678901234567890,"zero":0,"empty":"","none":null}');
    const { streams } = platform.ground.open;
    const message = await streams.get(platform.ground.names.streams.events, (await lastEvent()).sequence);
    expect(decodeText(message?.body ?? new Uint8Array())).toContain(
      '"body":{"id":12345678901234567890,"zero":0,"empty":"","none":null}',
    );
  });
});

describe('an asynchronous trigger', () => {
  it('NB-07 answers 200 ok, or as configured, when the event is stored', async () => {
    const plain = await (await create()).call({ n: 1 });
    expect([plain.status, plain.text, plain.headers.get('content-type')]).toEqual([
      200,
      'ok',
      'text/plain; charset=utf-8',
    ]);
    const response = {
      status: 202,
      headers: { 'Content-Type': 'application/json', 'X-Shop': 'a' },
      body: '{"ok":true}',
    };
    const configured = await create({ response });
    const { sequence } = await lastEvent();
    const answer = await configured.call({ n: 2 });
    // The event is there as soon as the answer is.
    expect((await lastEvent()).sequence).toBeGreaterThan(sequence);
    expect([answer.status, answer.text]).toEqual([202, '{"ok":true}']);
    expect([answer.headers.get('content-type'), answer.headers.get('x-shop')]).toEqual(['application/json', 'a']);
  });

  it('NB-09 NB-01 the call is an event that webhooks subscribe to like any other', async () => {
    const trigger = await create({ mapping: { body: [{ path: 'id' }] } });
    const other = await create();
    const hook = await platform.createWebhook('/hooked', {
      event_types: ['trigger.received'],
      scope: 'specific',
      specific_task_ids: [trigger.id],
    });
    await other.call({ id: 'not this' });
    await trigger.call({ id: 'o-1', secret: 'x' });
    const [delivery] = await platform.ended(hook.id, 1, 30_000);
    expect(delivery).toMatchObject({ event_type: 'trigger.received', status: 'delivered' });
    const sent = platform.receiver.requestsTo('/hooked')[0]?.text() ?? '';
    expect(sent).toContain('"id":"o-1"');
    expect(sent).not.toContain('not this');
    expect(sent).not.toContain('secret');
  });
});
