import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  GetEndpointResponse_Reason as Reason,
  GetEndpointResponse_State as State,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { DeliveryStatus, WebhookStatisticsSchema } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { Inactive_Reason, InactiveSchema } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { LIMITS } from '@grapnel/domain/webhook/config';
import { RpcError } from '@grapnel/rpc/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHER_KEY, startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ env: { GATEWAY_TEST_WAIT_MS: '100' } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const VALID = { name: 'A', webhook_url: 'https://example.com/hook', event_types: ['scrape.completed'] };
const NO_IDS = "specific_task_ids is required when scope is 'specific'";

const post = (body: unknown) => gateway.ask('POST', '/v1/webhooks', { body });
const put = (id: string, body: unknown) => gateway.ask('PUT', `/v1/webhooks/${id}`, { body });
const get = (id: string) => gateway.ask('GET', `/v1/webhooks/${id}`);

describe('creating', () => {
  it('AC-03 answers 201 with the secret, once', async () => {
    const { status, json } = await post(VALID);
    expect(status).toBe(201);
    expect(json).toEqual({
      success: true,
      data: {
        webhook_id: expect.stringMatching(/^wh_/),
        secret: expect.stringMatching(/^[0-9a-f]{64}$/),
        message: "Webhook created successfully. Save the secret - it won't be shown again.",
      },
    });
    const read = await get(json.data.webhook_id);
    expect(read.text).not.toContain(json.data.secret);
    expect(read.json.data.webhook_secret).toBe('***hidden***');
  });

  it('AC-02 fills in the defaults', async () => {
    const { json } = await get(await gateway.create());
    expect(json.data).toMatchObject({
      scope: 'all',
      timeout_seconds: 10,
      max_retries: 3,
      retry_backoff_multiplier: 2,
      specific_task_ids: [],
      custom_headers: {},
      tags: [],
      metadata: {},
      description: null,
      is_active: true,
    });
  });

  it('AC-02 keeps every field that is given', async () => {
    const given = {
      name: '名'.repeat(255),
      description: 'what for',
      webhook_url: 'https://example.com/hook?a=1',
      event_types: ['*', 'crawl.*', 'task.failed'],
      scope: 'specific',
      specific_task_ids: ['task-1', 'task-2'],
      timeout_seconds: 60,
      max_retries: 0,
      retry_backoff_multiplier: 1.5,
      custom_headers: { Authorization: 'Bearer mine', 'X-Env': 'prod' },
      tags: ['a', 'b'],
      metadata: { team: { name: 'x', size: 3, ok: true, none: null, list: [1, 'two'] } },
    };
    const { json } = await get(await gateway.create(given));
    expect(json.data).toMatchObject(given);
  });

  it.each([
    ['name', undefined, 'REQUIRED'],
    ['name', '', 'TOO_SHORT'],
    ['name', 'x'.repeat(256), 'TOO_LONG'],
    ['name', 7, 'INVALID_TYPE'],
    ['webhook_url', undefined, 'REQUIRED'],
    ['webhook_url', 'not a url', 'INVALID_VALUE'],
    ['webhook_url', 'ftp://example.com', 'INVALID_VALUE'],
    ['webhook_url', `https://example.com/${'x'.repeat(LIMITS.url.max)}`, 'TOO_LONG'],
    ['event_types', undefined, 'REQUIRED'],
    ['event_types', [], 'TOO_SHORT'],
    ['event_types', 'scrape.completed', 'INVALID_TYPE'],
    ['event_types', Array(201).fill('scrape.completed'), 'TOO_LONG'],
    ['scope', 'some', 'INVALID_VALUE'],
    ['scope', null, 'INVALID_VALUE'],
    ['timeout_seconds', 0, 'TOO_SMALL'],
    ['timeout_seconds', 61, 'TOO_LARGE'],
    ['timeout_seconds', 1.5, 'INVALID_TYPE'],
    ['timeout_seconds', '10', 'INVALID_TYPE'],
    ['max_retries', -1, 'TOO_SMALL'],
    ['max_retries', 11, 'TOO_LARGE'],
    ['retry_backoff_multiplier', 0.5, 'TOO_SMALL'],
    ['retry_backoff_multiplier', 10.1, 'TOO_LARGE'],
    ['custom_headers', ['a'], 'INVALID_TYPE'],
    ['custom_headers', Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, 'v'])), 'TOO_LONG'],
    ['tags', Array(51).fill('x'), 'TOO_LONG'],
    ['metadata', 'text', 'INVALID_TYPE'],
    ['metadata', [1], 'INVALID_TYPE'],
    ['metadata', null, 'INVALID_TYPE'],
    ['metadata', { big: 'x'.repeat(LIMITS.metadata.bytes) }, 'TOO_LARGE'],
  ])('AC-04 refuses %s = %j', async (field, value, code) => {
    const { status, json } = await post({ ...VALID, [field]: value });
    expect(status).toBe(400);
    expect(json).toMatchObject({ success: false, error: 'Validation error', details: [{ field, code }] });
    expect(Object.keys(json)).toEqual(['success', 'error', 'message', 'details']);
    expect(json.message).toBe(`${field} ${json.details[0].message}`);
  });

  it('AC-04 names the entry that is wrong', async () => {
    const wrongType = await post({ ...VALID, event_types: ['scrape.completed', 'scrape.done'] });
    expect(wrongType.json.details).toMatchObject([{ field: 'event_types[1]', code: 'INVALID_VALUE' }]);
    const wrongHeader = await post({ ...VALID, custom_headers: { 'X-A': 7 } });
    expect(wrongHeader.json.details).toMatchObject([{ field: 'custom_headers.X-A', code: 'INVALID_TYPE' }]);
    const wrongTask = await post({ ...VALID, scope: 'specific', specific_task_ids: ['ok', ''] });
    expect(wrongTask.json.details).toMatchObject([{ field: 'specific_task_ids[1]', code: 'TOO_SHORT' }]);
  });

  it('AC-04 reports everything at once', async () => {
    const { json } = await post({ name: '', timeout_seconds: 0 });
    expect(json.details.map((one: { field: string }) => one.field).toSorted()).toEqual([
      'event_types',
      'name',
      'timeout_seconds',
      'webhook_url',
    ]);
  });

  it('AC-04 reports what is wrong in form and in content at once', async () => {
    const { json } = await post({
      name: 7,
      webhook_url: 'ftp://example.com',
      event_types: ['nope'],
      scope: 'specific',
      specific_task_ids: [],
      more: 1,
    });
    expect(json.details.map((one: { field: string }) => one.field).toSorted()).toEqual([
      ...['event_types[0]', 'more', 'name', 'specific_task_ids', 'webhook_url'],
    ]);
    const id = await gateway.create();
    const update = await put(id, { timeout_seconds: 0, webhook_url: 'ftp://example.com', scope: 'specific' });
    expect(update.json.details.map((one: { field: string }) => one.field)).toEqual(['timeout_seconds', 'webhook_url']);
    const masked = await put(id, { timeout_seconds: 0, webhook_url: 'https://user:***@example.com/' });
    expect(masked.json.details.map((one: { field: string }) => one.field)).toEqual(['timeout_seconds']);
  });

  it('AC-04 reports unknown fields instead of dropping them', async () => {
    const { status, json } = await post({ ...VALID, timeout: 5, retries: 1 });
    expect(status).toBe(400);
    expect(json.details).toEqual([
      { field: 'timeout', code: 'UNKNOWN_FIELD', message: 'is not a known field' },
      { field: 'retries', code: 'UNKNOWN_FIELD', message: 'is not a known field' },
    ]);
  });

  it.each([undefined, []])('AC-04 wants ids when the scope is specific: %j', async (specific_task_ids) => {
    const { status, json } = await post({ ...VALID, scope: 'specific', specific_task_ids });
    expect(status).toBe(400);
    expect(json).toEqual({
      success: false,
      error: 'Validation error',
      message: NO_IDS,
      details: [{ field: 'specific_task_ids', message: NO_IDS, code: 'REQUIRED' }],
    });
  });

  it.each(['http://127.0.0.1/', 'http://[::1]/', 'https://localhost/', 'http://10.1.2.3/', 'http://2130706433/'])(
    'AC-20 refuses %s',
    async (webhook_url) => {
      const { status, json } = await post({ ...VALID, webhook_url });
      expect(status).toBe(400);
      expect(json.details).toMatchObject([{ field: 'webhook_url', code: 'FORBIDDEN_ADDRESS' }]);
    },
  );

  it.each([
    ['{"__proto__":{"admin":true},"name":"A","webhook_url":"https://example.com","event_types":["*"]}', '__proto__'],
    [
      '{"name":"A","webhook_url":"https://example.com","event_types":["*"],"metadata":{"__proto__":{"x":1}}}',
      'metadata',
    ],
    [
      '{"name":"A","webhook_url":"https://example.com","event_types":["*"],"metadata":{"n":12345678901234567890}}',
      'metadata',
    ],
    ['{"name":"A","webhook_url":"https://example.com","event_types":["*"],"timeout_seconds":1e999}', 'timeout_seconds'],
    [
      '{"name":"A","webhook_url":"https://example.com","event_types":["*"],"custom_headers":{"__proto__":"x"}}',
      'custom_headers.__proto__',
    ],
  ])('refuses what could not be kept as it is: %s', async (raw, field) => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks', { raw });
    expect(status).toBe(400);
    expect(json.details[0].field).toBe(field);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('takes a constructor key as the data it is', async () => {
    const id = await gateway.create({ metadata: { constructor: { prototype: 1 } } });
    expect((await get(id)).json.data.metadata).toEqual({ constructor: { prototype: 1 } });
  });
});

describe('reading', () => {
  it('AC-05 lists newest first with everything that is configured and no secret', async () => {
    const first = await gateway.create({ name: 'first' });
    const second = await gateway.create({ name: 'second' });
    const { status, json, text } = await gateway.ask('GET', '/v1/webhooks');
    expect(status).toBe(200);
    expect(json.data.slice(0, 2).map((one: { uuid: string }) => one.uuid)).toEqual([second, first]);
    expect(Object.keys(json.data[0])).toEqual([
      ...['uuid', 'webhook_id', 'name', 'description', 'webhook_url', 'webhook_secret', 'event_types', 'scope'],
      'specific_task_ids',
      ...['timeout_seconds', 'max_retries', 'retry_backoff_multiplier', 'custom_headers', 'tags', 'metadata'],
      ...['is_active', 'profile', 'job_id', 'event_tags', 'condition', 'retry_delays', 'ordering'],
      ...['rate_limit_per_second', 'message_ttl_seconds', 'body_encoding', 'body_format', 'include_webhook_id'],
      ...['payload_template', 'headers_template', 'signed', 'signature_scheme', 'public_key'],
      ...['disabled_reason', 'disabled_detail', 'disabled_at', 'consecutive_failures'],
      ...['total_deliveries', 'successful_deliveries', 'failed_deliveries', 'last_success_at', 'last_failure_at'],
      ...['previous_secrets_expire_at', 'created_at', 'updated_at'],
    ]);
    expect(text).not.toMatch(/[0-9a-f]{64}/);
    expect(json.data[0].created_at).toMatch(/^2026-01-27T10:.*Z$/);
  });

  it('pages through a long list', async () => {
    await using own = await startGateway();
    const ids = [await own.create(), await own.create(), await own.create()];
    const one = await own.ask('GET', '/v1/webhooks?limit=2');
    expect(one.json.data.map((w: { uuid: string }) => w.uuid)).toEqual([ids[2], ids[1]]);
    expect(one.json.meta).toEqual({ limit: 2, next_cursor: expect.any(String) });
    const two = await own.ask('GET', `/v1/webhooks?limit=2&cursor=${one.json.meta.next_cursor}`);
    expect(two.json.data.map((w: { uuid: string }) => w.uuid)).toEqual([ids[0]]);
    expect(two.json.meta.next_cursor).toBeNull();
    const wrong = await own.ask('GET', '/v1/webhooks?cursor=nonsense');
    expect(wrong.status).toBe(400);
    expect(wrong.json.details).toMatchObject([{ field: 'cursor', code: 'INVALID_VALUE' }]);
  });

  it('AC-05 shows the counters of the history', async () => {
    const id = await gateway.create();
    expect((await get(id)).json.data).toMatchObject({ total_deliveries: 0, last_success_at: null });
    const statistics = create(WebhookStatisticsSchema, {
      webhookId: id,
      totalDeliveries: 145n,
      successfulDeliveries: 142n,
      failedDeliveries: 3n,
      lastSuccessAt: timestampFromMs(Date.UTC(2026, 0, 27, 10)),
      lastFailureAt: timestampFromMs(Date.UTC(2026, 0, 26, 15, 30)),
    });
    gateway.history.statistics.set(id, statistics);
    expect((await get(id)).json.data).toMatchObject({
      total_deliveries: 145,
      successful_deliveries: 142,
      failed_deliveries: 3,
      last_success_at: '2026-01-27T10:00:00.000Z',
      last_failure_at: '2026-01-26T15:30:00.000Z',
    });
  });

  it('AC-05 answers without counters while the history is away', async () => {
    const id = await gateway.create();
    gateway.history.failure = RpcError.unavailable('away', 1_000);
    try {
      for (const path of [`/v1/webhooks/${id}`, '/v1/webhooks']) {
        const { status, json } = await gateway.ask('GET', path);
        expect(status).toBe(200);
        const one = Array.isArray(json.data) ? json.data[0] : json.data;
        expect(one).toMatchObject({ uuid: id, total_deliveries: null, failed_deliveries: null, last_success_at: null });
      }
    } finally {
      gateway.history.failure = null;
    }
  });

  it('AC-18 tells the tenant when and why a webhook was disabled', async () => {
    const id = await gateway.create();
    const detail = '10 consecutive deliveries failed; the last with HTTP 500';
    const since = timestampFromMs(Date.UTC(2026, 0, 27, 12));
    Object.assign(gateway.webhooks.byId.get(id) ?? {}, {
      active: false,
      consecutiveFailures: 10,
      inactive: create(InactiveSchema, { reason: Inactive_Reason.AUTO_DISABLED, since, detail }),
    });
    expect((await get(id)).json.data).toMatchObject({
      is_active: false,
      consecutive_failures: 10,
      disabled_reason: 'auto_disabled',
      disabled_detail: detail,
      disabled_at: '2026-01-27T12:00:00.000Z',
    });
  });

  it.each(['wh_00000000000000000000000000', 'nonsense', '1', '..%2f..', 'wh_%00', 'x'.repeat(600)])(
    'AC-05 answers 404 for the unknown id %s',
    async (id) => {
      const { status, json } = await get(id);
      expect(status).toBe(404);
      expect(json.success).toBe(false);
      expect(json.error).toBe('Webhook not found');
    },
  );
});

describe('changing', () => {
  it('AC-06 changes only what is given', async () => {
    const id = await gateway.create({ description: 'old', max_retries: 5 });
    const { status, json } = await put(id, { event_types: ['scrape.completed', 'crawl.completed'], description: null });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      success: true,
      message: 'Webhook updated successfully',
      data: {
        uuid: id,
        name: 'A',
        description: null,
        max_retries: 5,
        event_types: ['scrape.completed', 'crawl.completed'],
      },
    });
  });

  it('AC-06 takes an empty object for no change', async () => {
    const id = await gateway.create();
    const { status, json } = await put(id, {});
    expect(status).toBe(200);
    expect(json.data.name).toBe('A');
  });

  it.each(['secret', 'webhook_secret'])('AC-06 refuses to set %s and says what to do instead', async (field) => {
    const { status, json } = await put(await gateway.create(), { [field]: 'x'.repeat(64) });
    expect(status).toBe(400);
    expect(json.details).toMatchObject([{ field, code: 'INVALID_VALUE' }]);
    expect(json.message).toContain('is read-only');
    expect(json.message).toContain('rotate-secret');
  });

  it.each([
    ['is_active', '/activate'],
    ['disabled_reason', '/activate'],
    ['consecutive_failures', '/activate'],
    ['previous_secrets_expire_at', '/rotate-secret'],
    ['uuid', 'the path'],
    ['created_at', 'follows'],
    ['total_deliveries', 'follows'],
  ])('AC-06 says that %s is read-only, and what changes it', async (field, instead) => {
    const { status, json } = await put(await gateway.create(), { [field]: true });
    expect(status).toBe(400);
    expect(json.details).toMatchObject([{ field, code: 'INVALID_VALUE' }]);
    expect(json.message).toMatch(new RegExp(`^${field} is read-only: .*${instead}`));
  });

  it('AC-06 names every read-only field of a read that is sent back', async () => {
    const id = await gateway.create();
    const { json } = await put(id, (await get(id)).json.data);
    const named = json.details.map(({ field }: { field: string }) => field);
    expect(named).toContain('is_active');
    expect(json.details.filter(({ code }: { code: string }) => code === 'UNKNOWN_FIELD')).toEqual([]);
  });

  it('AC-04 wants ids when an update makes the scope specific', async () => {
    const { status, json } = await put(await gateway.create(), { scope: 'specific' });
    expect(status).toBe(400);
    expect(json.message).toBe(NO_IDS);
  });

  it('AC-04 holds an update to the same bounds', async () => {
    const id = await gateway.create();
    expect((await put(id, { timeout_seconds: 61 })).json.details).toMatchObject([{ field: 'timeout_seconds' }]);
    expect((await put(id, { unknown: 1 })).json.details).toMatchObject([{ code: 'UNKNOWN_FIELD' }]);
    expect((await put(id, [])).status).toBe(400);
    expect((await put(id, { name: null })).status).toBe(400);
    expect((await put(id, undefined)).json.details).toMatchObject([{ field: 'body', code: 'REQUIRED' }]);
  });

  it('AC-06 rotates the secret, shown once', async () => {
    const id = await gateway.create();
    const { status, json } = await gateway.ask('POST', `/v1/webhooks/${id}/rotate-secret`, {
      body: { overlap_seconds: 60 },
    });
    expect(status).toBe(200);
    expect(json.data).toMatchObject({ webhook_id: id, secret: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(json.data.previous_secrets_expire_at).toHaveLength(1);
    expect(gateway.webhooks.lastOverlapSeconds).toBe(60);
    expect((await get(id)).text).not.toContain(json.data.secret);

    expect((await gateway.ask('POST', `/v1/webhooks/${id}/rotate-secret`)).status).toBe(200);
    expect(gateway.webhooks.lastOverlapSeconds).toBeUndefined();
    const tooLong = await gateway.ask('POST', `/v1/webhooks/${id}/rotate-secret`, {
      body: { overlap_seconds: 604_801 },
    });
    expect(tooLong.json.details).toMatchObject([{ field: 'overlap_seconds', code: 'TOO_LARGE' }]);
    const secretGiven = await gateway.ask('POST', `/v1/webhooks/${id}/rotate-secret`, { body: { secret: 'mine' } });
    expect(secretGiven.status).toBe(400);
  });

  it('AC-08 deactivates and activates; activation sets the failures to 0', async () => {
    const id = await gateway.create();
    const off = await gateway.ask('PUT', `/v1/webhooks/${id}/deactivate`);
    expect(off.status).toBe(200);
    expect(off.json).toMatchObject({
      success: true,
      message: 'Webhook deactivated successfully',
      data: { is_active: false, disabled_reason: 'deactivated', disabled_at: expect.any(String) },
    });
    Object.assign(gateway.webhooks.byId.get(id) ?? {}, { consecutiveFailures: 7 });
    const on = await gateway.ask('PUT', `/v1/webhooks/${id}/activate`);
    expect(on.json).toMatchObject({
      message: 'Webhook activated successfully',
      data: {
        is_active: true,
        consecutive_failures: 0,
        disabled_reason: null,
        disabled_detail: null,
        disabled_at: null,
      },
    });
  });

  it('AC-10 sends a test and says which delivery it is, and what became of it as far as it is known', async () => {
    const id = await gateway.create();
    const { status, json } = await gateway.ask('POST', `/v1/webhooks/${id}/test`);
    expect(status).toBe(200);
    expect(json).toEqual({
      success: true,
      message: 'Test webhook queued; what became of it is not known yet',
      data: {
        delivery_id: expect.stringMatching(/^dlv_/),
        event_id: expect.any(String),
        status: 'pending',
        response_status: null,
        error_message: null,
      },
    });
  });

  it('AC-10 says that a test will be tried again', async () => {
    await using own = await startGateway();
    const id = await own.create();
    const status = DeliveryStatus.RETRYING;
    own.history.add('acme', id, `dlv_${'t'.repeat(26)}`, { status, responseStatus: 503, errorMessage: 'HTTP 503' });
    const { json } = await own.ask('POST', `/v1/webhooks/${id}/test`);
    expect(json).toMatchObject({
      message: 'Test webhook failed and will be tried again',
      data: { status: 'retrying', response_status: 503, error_message: 'HTTP 503' },
    });
  });

  it('AC-07 deletes once; the second time there is nothing', async () => {
    const id = await gateway.create();
    const first = await gateway.ask('DELETE', `/v1/webhooks/${id}`);
    expect(first.status).toBe(200);
    expect(first.json).toEqual({ success: true, message: 'Webhook deleted successfully' });
    const second = await gateway.ask('DELETE', `/v1/webhooks/${id}`);
    expect(second.status).toBe(404);
    expect(second.json).toEqual({ success: false, error: 'Webhook not found' });
  });

  it('says how the endpoint is doing', async () => {
    const id = await gateway.create();
    const ask = () => gateway.ask('GET', `/v1/webhooks/${id}/endpoint`);
    expect((await ask()).json).toEqual({
      success: true,
      data: {
        ...{ state: 'ok', reason: null, since: null, until: null },
        ...{ concurrency_limit: null, in_flight: null, queued: null, waiting: null },
      },
    });
    gateway.history.endpoint = {
      state: State.OPEN,
      reason: Reason.RETRY_AFTER,
      since: timestampFromMs(Date.UTC(2026, 0, 27, 10)),
      until: timestampFromMs(Date.UTC(2026, 0, 27, 11)),
      load: { limit: 3, underWay: 0, queued: 0, away: 12 },
    };
    expect((await ask()).json.data).toEqual({
      state: 'left_alone',
      reason: 'retry_after',
      since: '2026-01-27T10:00:00.000Z',
      until: '2026-01-27T11:00:00.000Z',
      ...{ concurrency_limit: 3, in_flight: 0, queued: 0, waiting: 12 },
    });
  });

  it.each([
    ['GET', ''],
    ['PUT', ''],
    ['DELETE', ''],
    ['PUT', '/activate'],
    ['PUT', '/deactivate'],
    ['POST', '/test'],
    ['POST', '/rotate-secret'],
    ['GET', '/deliveries'],
    ['GET', '/statistics'],
    ['GET', '/endpoint'],
    ['GET', '/deliveries/tail'],
    ['GET', `/deliveries/dlv_${'a'.repeat(26)}`],
    ['POST', `/deliveries/dlv_${'a'.repeat(26)}/replay`],
  ])("AC-01 another tenant's webhook does not exist: %s %s", async (method, path) => {
    const id = await gateway.create();
    const asking = method === 'PUT' && path === '' ? { body: { name: 'stolen' } } : {};
    const { status, json } = await gateway.ask(method, `/v1/webhooks/${id}${path}`, { ...asking, key: OTHER_KEY });
    expect(status).toBe(404);
    expect(json).toEqual({ success: false, error: 'Webhook not found' });
    expect((await get(id)).json.data).toMatchObject({ name: 'A', is_active: true });
  });
});
