import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTenant, until } from '../support/ground.ts';
import { type Answer, Platform } from '../support/platform.ts';

describe('the management API over the whole platform', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  it('AC-03 AC-05 AC-11 AC-12 a webhook from its creation to its history', async () => {
    const { id, secret } = await platform.createWebhook('/life', {
      event_types: ['scrape.completed'],
      tags: ['a'],
      metadata: { k: 1 },
    });
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const accepted = await platform.publish(
      'scrape.completed',
      { job_id: 'j1', status: 'completed' },
      { job_id: 'j1' },
    );
    expect(accepted).toMatchObject({
      status: 202,
      body: { success: true, data: { event_id: expect.any(String), duplicate: false } },
    });
    const [delivery] = await platform.ended(id, 1);
    expect(delivery).toMatchObject({
      webhookSubscriptionUuid: id,
      webhook_subscription_uuid: id,
      eventType: 'scrape.completed',
      event_type: 'scrape.completed',
      status: 'delivered',
      attempt_number: 1,
      request_url: platform.receiver.url('/life'),
      request_method: 'POST',
      response_status: 200,
      response_duration_ms: expect.any(Number),
      created_at: expect.stringMatching(/Z$/),
      delivered_at: expect.stringMatching(/Z$/),
    });
    const one = await platform.call('GET', `/v1/webhooks/${id}/deliveries/${delivery.uuid}`);
    expect(one.body.data.attempts).toHaveLength(1);
    expect(JSON.stringify(one.body)).not.toContain(secret);
    const webhook = await platform.call('GET', `/v1/webhooks/${id}`);
    expect(webhook.body.data).toMatchObject({
      uuid: id,
      webhook_secret: '***hidden***',
      is_active: true,
      total_deliveries: 1,
      successful_deliveries: 1,
      failed_deliveries: 0,
      tags: ['a'],
      metadata: { k: 1 },
    });
    expect(JSON.stringify(webhook.body)).not.toContain(secret);
  });

  it("AC-02 AC-05 AC-06 AC-08 AC-09 AC-10 AC-11 AC-13 takes every call as AnyCrawl's own client makes it", async () => {
    // It says application/json on every call, with a body or without, and reads nothing but `success`, `data` and `meta`.
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${platform.gateway}${path}`, {
        method,
        headers: { authorization: `Bearer ${platform.apiKey}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = (await response.json()) as Answer['body'];
      expect([method, path, answer.success]).toEqual([method, path, true]);
      return answer;
    };
    const { data: made } = await call('POST', '/v1/webhooks', {
      name: 'My webhook',
      webhook_url: platform.receiver.url('/sdk'),
      event_types: ['search.completed'],
    });
    const path = `/v1/webhooks/${made.webhook_id}`;
    expect((await call('GET', '/v1/webhooks')).data).toContainEqual(
      expect.objectContaining({ webhook_id: made.webhook_id, name: 'My webhook' }),
    );
    await call('PUT', path, { event_types: ['search.failed'] });
    expect((await call('GET', path)).data).toMatchObject({
      webhook_id: made.webhook_id,
      event_types: ['search.failed'],
    });
    for (const step of ['deactivate', 'activate']) await call('PUT', `${path}/${step}`);
    await call('POST', `${path}/test`);
    const [{ uuid }] = await platform.ended(made.webhook_id, 1);
    const asked = `limit=20&offset=0&status=delivered&from=2026-01-01&to=${new Date(Date.now() + 1_000).toISOString()}`;
    const { data, meta } = await call('GET', `${path}/deliveries?${asked}`);
    expect(data).toEqual([expect.objectContaining({ delivery_id: uuid, status: 'delivered' })]);
    expect(meta).toMatchObject({ limit: 20, offset: 0 });
    await call('POST', `${path}/deliveries/${data[0].delivery_id}/replay`);
    const { data: events } = await call('GET', '/v1/webhook-events');
    expect(events.event_types).toContain('scrape.completed');
    expect(events.categories.scrape).toContain('scrape.completed');
    await call('DELETE', path);
  });

  it('takes an order, a rate and a time to live, and clears them', async () => {
    const settings = { ordering: 'strict', rate_limit_per_second: 0.5, message_ttl_seconds: 60 };
    const { id } = await platform.createWebhook('/settings', { event_types: ['map.failed'], ...settings });
    expect(await platform.webhook(id)).toMatchObject(settings);
    const cleared = { ordering: 'none', rate_limit_per_second: null, message_ttl_seconds: null };
    expect((await platform.call('PUT', `/v1/webhooks/${id}`, cleared)).body.data).toMatchObject(cleared);
    const wrong = { ordering: 'some', rate_limit_per_second: 0.01, message_ttl_seconds: 604_801 };
    const refused = await platform.call('PUT', `/v1/webhooks/${id}`, wrong);
    expect(refused.status).toBe(400);
    expect(refused.body.details.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      ...['message_ttl_seconds', 'ordering', 'rate_limit_per_second'],
    ]);
  });

  it('ST-05 sends the password of a URL, never shows it, and keeps it when the URL comes back as it was shown', async () => {
    const withPassword = platform.receiver.url('/basic').replace('://', '://user:pass-word-1@');
    const shown = withPassword.replace('pass-word-1', '***');
    const { id } = await platform.createWebhook('/basic', {
      webhook_url: withPassword,
      event_types: ['scrape.cancelled'],
    });
    const read = await platform.call('GET', `/v1/webhooks/${id}`);
    expect(read.body.data.webhook_url).toBe(shown);
    const update = await platform.call('PUT', `/v1/webhooks/${id}`, { name: 'renamed', webhook_url: shown });
    expect(update.body.data).toMatchObject({ name: 'renamed', webhook_url: shown });
    const elsewhere = await platform.call('PUT', `/v1/webhooks/${id}`, { webhook_url: `${shown}/other` });
    expect(elsewhere).toMatchObject({ status: 400, body: { details: [{ field: 'webhook_url' }] } });
    await platform.publish('scrape.cancelled', {});
    const [delivery] = await platform.ended(id, 1);
    const [request] = platform.receiver.requestsTo('/basic');
    const credentials = Buffer.from('user:pass-word-1').toString('base64');
    expect(request?.header('authorization')).toBe(`Basic ${credentials}`);
    const history = await platform.call('GET', `/v1/webhooks/${id}/deliveries/${delivery.uuid}`);
    for (const { body } of [read, update, elsewhere, history]) {
      expect(JSON.stringify(body)).not.toContain('pass-word-1');
      expect(JSON.stringify(body)).not.toContain(credentials);
    }
    expect(history.body.data.request_url).toBe(platform.receiver.url('/basic'));
  });

  it('AC-13 replays the same bytes under the same id, again and again', async () => {
    const { id } = await platform.createWebhook('/replay', { event_types: ['scrape.failed'], max_retries: 0 });
    platform.receiver.sequence('/replay', [{ status: 500 }]);
    await platform.publish('scrape.failed', { job_id: 'j2' });
    const [failed] = await platform.ended(id, 1);
    expect(failed).toMatchObject({ status: 'failed', error_code: 'HTTP_500' });
    for (let round = 1; round <= 2; round++) {
      const replayed = await platform.call('POST', `/v1/webhooks/${id}/deliveries/${failed.uuid}/replay`);
      expect(replayed).toMatchObject({
        status: 200,
        body: {
          success: true,
          message: 'Delivery replayed successfully',
          data: { delivery_id: failed.uuid, status: 'pending' },
        },
      });
      await platform.receiver.waitFor(1 + round, { path: '/replay' });
    }
    await until('both replays are in the history', async () => {
      const one = await platform.call('GET', `/v1/webhooks/${id}/deliveries/${failed.uuid}`);
      return one.body.data.attempts.length === 3 && one.body.data.status === 'delivered';
    });
    const requests = platform.receiver.requestsTo('/replay');
    expect(new Set(requests.map((r) => r.header('x-webhook-delivery-id'))).size).toBe(1);
    expect(new Set(requests.map((r) => r.body.toString())).size).toBe(1);
    expect((await platform.deliveries(id)).length).toBe(1);
  });

  it('AC-07 deleting a webhook removes its history; a second time there is nothing', async () => {
    const { id } = await platform.createWebhook('/delete', { event_types: ['scrape.created'] });
    await platform.publish('scrape.created', {});
    const [delivery] = await platform.ended(id, 1);
    expect((await platform.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(200);
    expect((await platform.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(404);
    expect((await platform.call('GET', `/v1/webhooks/${id}`)).status).toBe(404);
    expect((await platform.call('GET', `/v1/webhooks/${id}/deliveries`)).status).toBe(404);
    await until('gone from the tenant-wide list', async () => {
      const all = await platform.call('GET', '/v1/deliveries?limit=1000');
      return all.body.data.every((each: { uuid: string }) => each.uuid !== delivery.uuid);
    });
  });

  it('AC-01 one tenant never sees another’s webhook or deliveries', async () => {
    const { id } = await platform.createWebhook('/mine', { event_types: ['scrape.started'] });
    await platform.publish('scrape.started', {});
    const [delivery] = await platform.ended(id, 1);
    const other = await newTenant(platform.subscription);
    await until(
      'the key is known',
      async () => (await platform.call('GET', '/v1/webhooks', undefined, other.apiKey)).status === 200,
    );
    const as = (method: string, path: string, body?: unknown) => platform.call(method, path, body, other.apiKey);
    for (const [method, path, body] of [
      ['GET', `/v1/webhooks/${id}`],
      ['PUT', `/v1/webhooks/${id}`, { name: 'x' }],
      ['DELETE', `/v1/webhooks/${id}`],
      ['PUT', `/v1/webhooks/${id}/activate`],
      ['PUT', `/v1/webhooks/${id}/deactivate`],
      ['POST', `/v1/webhooks/${id}/test`],
      ['POST', `/v1/webhooks/${id}/rotate-secret`, {}],
      ['GET', `/v1/webhooks/${id}/deliveries`],
      ['GET', `/v1/webhooks/${id}/deliveries/${delivery.uuid}`],
      ['POST', `/v1/webhooks/${id}/deliveries/${delivery.uuid}/replay`],
    ] as const) {
      expect(await as(method, path, body), `${method} ${path}`).toMatchObject({
        status: 404,
        body: { success: false },
      });
    }
    expect((await as('GET', '/v1/webhooks')).body.data).toEqual([]);
    expect((await as('GET', '/v1/deliveries')).body.data).toEqual([]);
  });

  it('AC-19 ST-07 scope specific gets its tasks alone, and explain says why not', async () => {
    const { id } = await platform.createWebhook('/task', {
      event_types: ['task.executed'],
      scope: 'specific',
      specific_task_ids: ['t1'],
    });
    await platform.publish('task.executed', { task_id: 't2' }, { task_id: 't2' });
    await platform.publish('task.executed', { task_id: 't1' }, { task_id: 't1' });
    await platform.ended(id, 1);
    expect(platform.receiver.requestsTo('/task').map((r) => JSON.parse(r.body.toString()))).toEqual([
      { task_id: 't1' },
    ]);
    const why = await platform.call('POST', '/v1/webhooks/explain', {
      type: 'task.executed',
      task_id: 't2',
      webhook_id: id,
    });
    expect(JSON.stringify(why.body)).toContain('filtered_by_scope');
  });

  it('ST-06 the same event id twice is one delivery, and the answer says so', async () => {
    const { id } = await platform.createWebhook('/once', { event_types: ['map.created'] });
    const first = await platform.publish('map.created', { n: 1 }, { id: 'my-event-1' });
    const second = await platform.publish('map.created', { n: 1 }, { id: 'my-event-1' });
    expect([first.body.data.duplicate, second.body.data.duplicate]).toEqual([false, true]);
    await platform.publish('map.created', { n: 2 }, { id: 'my-event-2' });
    await platform.ended(id, 2);
    expect(platform.receiver.requestsTo('/once')).toHaveLength(2);
  });

  it('AC-18 what waits at the moment of the auto-disable is skipped at once, and can be replayed after activation', async () => {
    await using slow = await Platform.start({ env: { GRAPNEL_TIME_SCALE: '1' } });
    const { id } = await slow.createWebhook('/off');
    slow.receiver.sequence('/off', [{ status: 500 }]);
    slow.receiver.respond({ status: 404 }, '/off');
    const event = (n: number) => slow.call('POST', '/v1/events', { type: 'crawl.page', data: { n } });
    await event(0);
    await slow.receiver.waitFor(1, { path: '/off' });
    for (let n = 1; n <= 10; n++) await event(n);
    const webhook = async () => (await slow.call('GET', `/v1/webhooks/${id}`)).body.data;
    await until('disabled', async () => !(await webhook()).is_active);
    expect(await webhook()).toMatchObject({
      consecutive_failures: 10,
      disabled_reason: 'auto_disabled',
      disabled_detail: '10 consecutive deliveries failed; the last with HTTP 404',
    });
    // Its retry is a minute away; that it will not happen is known now.
    const skipped = await until('skipped', async () => (await slow.deliveries(id, '?status=skipped'))[0]);
    expect(skipped).toMatchObject({ status: 'skipped' });
    const path = `/v1/webhooks/${id}/deliveries/${skipped.uuid}/replay`;
    expect((await slow.call('POST', path)).status).toBe(409);
    await slow.call('PUT', `/v1/webhooks/${id}/activate`);
    slow.receiver.respond({ status: 200 }, '/off');
    await until('replayed', async () => (await slow.call('POST', path)).status === 200);
    await until('delivered', async () => (await slow.deliveries(id, '?status=delivered'))[0]?.uuid === skipped.uuid);
  });

  it('AC-10 a test says what became of it', async () => {
    platform.receiver.respond({ status: 200 }, '/truth');
    const { id } = await platform.createWebhook('/truth', { max_retries: 0 });
    const test = async () => (await platform.call('POST', `/v1/webhooks/${id}/test`)).body;
    expect(await test()).toMatchObject({
      message: 'Test webhook sent successfully',
      data: { delivery_id: expect.stringMatching(/^dlv_/), status: 'delivered', response_status: 200 },
    });
    platform.receiver.respond({ status: 404 }, '/truth');
    expect(await test()).toMatchObject({
      message: 'Test webhook failed',
      data: { status: 'failed', response_status: 404, error_message: expect.stringContaining('404') },
    });
  });

  it('AC-10 a test that fails counts nothing', async () => {
    const { id } = await platform.createWebhook('/test');
    platform.receiver.respond({ status: 500 }, '/test');
    expect((await platform.call('POST', `/v1/webhooks/${id}/test`)).status).toBe(200);
    const [delivery] = await platform.ended(id, 1);
    expect(delivery).toMatchObject({ eventType: 'webhook.test', status: 'failed' });
    const webhook = await platform.call('GET', `/v1/webhooks/${id}`);
    expect(webhook.body.data).toMatchObject({
      total_deliveries: 0,
      failed_deliveries: 0,
      consecutive_failures: 0,
      last_failure_at: null,
    });
  });
});
