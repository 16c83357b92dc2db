import { once } from 'node:events';
import { createServer } from 'node:net';
import { hmacSha256Hex } from '@grapnel/domain/security/signature';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Line } from '../support/line.ts';

describe('from an event to a signed request', () => {
  let line: Line;
  beforeAll(async () => {
    line = await Line.start({ dispatcherEnv: { GRAPNEL_ENDPOINT_MAX_IN_FLIGHT: '16' } });
  });
  afterAll(() => line[Symbol.asyncDispose]());

  it('AC-14 AC-15 signs the exact bytes and sends the documented headers', async () => {
    const forged = { 'X-Mine': 'yes', 'x-anycrawl-signature': 'forged', 'CONTENT-TYPE': 'text/plain' };
    const { id, secret } = await line.createWebhook('/signed', {
      customHeaders: { entries: forged },
      eventTypes: { values: ['scrape.*'] },
    });
    await line.publish('scrape.completed', { job_id: 'j', text: 'zażółć', n: 1 });
    const request = await line.receiver.waitFor((r) => r.path === '/signed');
    expect(request.method).toBe('POST');
    expect(request.body.toString()).toBe('{"job_id":"j","text":"zażółć","n":1}');
    expect(request.header('x-anycrawl-signature')).toBe(`sha256=${hmacSha256Hex(secret, request.body)}`);
    expect(request.headers.filter(([name]) => name.toLowerCase() === 'x-anycrawl-signature')).toHaveLength(1);
    expect(request.header('content-type')).toBe('application/json');
    expect(request.header('x-webhook-event')).toBe('scrape.completed');
    expect(request.header('x-webhook-delivery-id')).toMatch(/^dlv_/);
    expect(request.header('x-webhook-timestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(request.header('x-mine')).toBe('yes');
    expect(request.header('content-encoding')).toBeUndefined();
    expect(await line.outcomes(id, 1)).toMatchObject([{ kind: 'delivered', turn: { round: 0, attempt: 1 } }]);
  });

  it('AC-16 AC-17 retries a 500 after 1 and 2 scaled minutes: same id, same bytes, new timestamp', async () => {
    const { id } = await line.createWebhook('/flaky', { eventTypes: { values: ['crawl.started'] } });
    line.receiver.sequence('/flaky', [{ status: 500 }, { status: 503 }, { status: 200 }]);
    await line.publish('crawl.started', { a: 1 });
    const requests = await line.receiver.waitFor(3, { path: '/flaky' });
    const distinct = (name: string): number => new Set(requests.map((r) => r.header(name))).size;
    expect(distinct('x-webhook-delivery-id')).toBe(1);
    expect(distinct('x-anycrawl-signature')).toBe(1);
    expect(distinct('x-webhook-timestamp')).toBe(3);
    const [first, second, third] = requests.map(({ receivedAt }) => receivedAt);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(990);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(1_990);
    const outcomes = await line.outcomes(id, 3);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['attempt_failed', 'attempt_failed', 'delivered']);
  });

  it('AC-17 makes 1 + max_retries attempts, and one when there are none', async () => {
    const once1 = await line.createWebhook('/never', { eventTypes: { values: ['crawl.created'] }, maxRetries: 0 });
    const twice = await line.createWebhook('/never2', { eventTypes: { values: ['crawl.created'] }, maxRetries: 1 });
    line.receiver.respond({ status: 500 }, '/never');
    line.receiver.respond({ status: 500 }, '/never2');
    await line.publish('crawl.created');
    expect(await line.outcomes(twice.id, 2)).toMatchObject([
      { nextAttemptAt: expect.any(Number) },
      { nextAttemptAt: null },
    ]);
    expect(await line.outcomes(once1.id, 1)).toMatchObject([{ kind: 'attempt_failed', nextAttemptAt: null }]);
    expect(line.receiver.requestsTo('/never')).toHaveLength(1);
  });

  it('AC-16 fails at once on a 4xx, and keeps the answer for the history', async () => {
    const { id } = await line.createWebhook('/gone', { eventTypes: { values: ['crawl.failed'] } });
    line.receiver.respond({ status: 404, headers: { 'x-reason': 'none' }, body: 'x'.repeat(5_000) }, '/gone');
    await line.publish('crawl.failed');
    const [outcome] = await line.outcomes(id, 1);
    expect(outcome).toMatchObject({
      kind: 'attempt_failed',
      nextAttemptAt: null,
      attempt: {
        error: { code: 'HTTP_404' },
        response: { status: 404, headers: { 'x-reason': 'none' }, body: 'x'.repeat(1_000) },
      },
    });
  });

  it('AC-16 ST-05 never follows a redirect', async () => {
    const { id } = await line.createWebhook('/moved', { eventTypes: { values: ['crawl.cancelled'] }, maxRetries: 1 });
    line.receiver.respond({ status: 302, headers: { location: line.receiver.url('/target') } }, '/moved');
    await line.publish('crawl.cancelled');
    expect(await line.outcomes(id, 1)).toMatchObject([
      { attempt: { response: { status: 302 } }, nextAttemptAt: expect.any(Number) },
    ]);
    expect(line.receiver.requestsTo('/target')).toEqual([]);
  });

  it('AC-16 ST-05 ends an endpoint that hangs and one that drips when the time-out is over', async () => {
    const config = { eventTypes: { values: ['map.created'] }, timeoutSeconds: 1, maxRetries: 0 };
    const hang = await line.createWebhook('/hang', config);
    const drip = await line.createWebhook('/drip', config);
    line.receiver.respond({ mode: 'hang' }, '/hang');
    line.receiver.respond({ mode: 'drip', intervalMs: 50 }, '/drip');
    await line.publish('map.created');
    for (const { id } of [hang, drip]) {
      const [outcome] = await line.outcomes(id, 1);
      expect(outcome).toMatchObject({
        kind: 'attempt_failed',
        attempt: { error: { code: 'ETIMEDOUT', message: expect.stringContaining('Connection timeout') } },
      });
      expect(outcome?.kind === 'attempt_failed' && outcome.attempt.durationMs).toBeLessThan(2_500);
    }
  });

  it('ST-05 does not read a huge answer to its end', async () => {
    const { id } = await line.createWebhook('/huge', { eventTypes: { values: ['map.started'] } });
    line.receiver.respond({ mode: 'huge' }, '/huge');
    await line.publish('map.started');
    const [outcome] = await line.outcomes(id, 1);
    expect(outcome).toMatchObject({ kind: 'delivered', attempt: { response: { status: 200 } } });
  });

  it('AC-16 says what went wrong on the network, in codes that programs can count', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    const types = { eventTypes: { values: ['map.failed'] }, maxRetries: 0 };
    const refused = await line.createWebhook(`http://127.0.0.1:${port}/`, types);
    const unknown = await line.createWebhook('http://no-such-host.invalid/', types);
    const reset = await line.createWebhook('/reset', types);
    line.receiver.respond({ mode: 'reset' }, '/reset');
    await line.publish('map.failed');
    expect(await line.outcomes(refused.id, 1)).toMatchObject([{ attempt: { error: { code: 'ECONNREFUSED' } } }]);
    expect(await line.outcomes(unknown.id, 1)).toMatchObject([
      { attempt: { error: { code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } } },
    ]);
    expect(await line.outcomes(reset.id, 1)).toMatchObject([{ attempt: { error: { code: 'ECONNRESET' } } }]);
  });

  it('ST-05 sends user and password of the URL as Basic, and shows them to nobody', async () => {
    const url = line.receiver.url('/basic').replace('http://', 'http://us%40er:p%3Aw@');
    const { id } = await line.createWebhook(url, { eventTypes: { values: ['map.completed'] } });
    await line.publish('map.completed');
    const request = await line.receiver.waitFor((r) => r.path === '/basic');
    expect(request.header('authorization')).toBe(`Basic ${Buffer.from('us@er:p:w').toString('base64')}`);
    const [outcome] = await line.outcomes(id, 1);
    expect(JSON.stringify(outcome)).not.toMatch(/p%3Aw|p:w|Basic/);
  });

  it('AC-10 a test goes to this webhook alone, also while it is inactive, and is tried once', async () => {
    const { id } = await line.createWebhook('/tested', { eventTypes: { values: ['task.paused'] } });
    const { client, as } = line.webhooks;
    await client.deactivateWebhook({ webhookId: id }, as);
    line.receiver.respond({ status: 500 }, '/tested');
    const { deliveryId } = await client.testWebhook({ webhookId: id }, as);
    const request = await line.receiver.waitFor((r) => r.path === '/tested');
    expect(JSON.parse(request.body.toString())).toEqual({
      message: 'This is a test webhook from Grapnel',
      timestamp: expect.stringMatching(/Z$/),
      webhook_id: id,
    });
    expect(request.header('x-webhook-delivery-id')).toBe(deliveryId);
    expect(await line.outcomes(id, 1)).toMatchObject([{ delivery: { test: true }, nextAttemptAt: null }]);
    expect((await line.webhook(id)).consecutiveFailures).toBe(0);
  });

  it('AC-08 skips what is due while the webhook is deactivated', async () => {
    const { id } = await line.createWebhook('/paused', { eventTypes: { values: ['task.resumed'] } });
    line.receiver.respond({ status: 500 }, '/paused');
    await line.publish('task.resumed');
    await line.receiver.waitFor(1, { path: '/paused' });
    const { client, as } = line.webhooks;
    await client.deactivateWebhook({ webhookId: id }, as);
    expect(await line.outcomes(id, 2)).toMatchObject([
      { kind: 'attempt_failed' },
      { kind: 'skipped', reason: 'webhook_deactivated' },
    ]);
    expect(line.receiver.requestsTo('/paused')).toHaveLength(1);
  });

  it('AC-07 deleting removes every message of the webhook from the streams', async () => {
    const { id } = await line.createWebhook('/deleted', { eventTypes: { values: ['extract.started'] } });
    await line.publish('extract.started');
    await line.outcomes(id, 1);
    const { client, as } = line.webhooks;
    await client.deleteWebhook({ webhookId: id }, as);
    const { streams } = line.ground.open;
    const { names } = line.ground;
    expect(await streams.lastOn(names.streams.deliveries, names.subjects.delivery(id as `wh_${string}`))).toBeNull();
    expect(await line.outcomesOf(id)).toEqual([]);
    await expect(client.deleteWebhook({ webhookId: id }, as)).rejects.toMatchObject({ code: 5 });
  });

  it('never has more attempts under way at an endpoint than its cap, and loses none of the rest', async () => {
    const { id } = await line.createWebhook('/slow', { eventTypes: { values: ['search.created'] } });
    line.receiver.respond({ status: 200, delayMs: 30 }, '/slow');
    await Promise.all(Array.from({ length: 120 }, () => line.publish('search.created')));
    await line.outcomes(id, 120, 20_000);
    expect(line.receiver.highWater('/slow')).toBeLessThanOrEqual(16);
    const ids = line.receiver.requestsTo('/slow').map((r) => r.header('x-webhook-delivery-id'));
    expect(new Set(ids).size).toBe(120);
    expect(ids).toHaveLength(120);
  });
});

describe('where a request may go', () => {
  it('AC-20 nowhere private, also when the webhook was made before the rule held', async () => {
    await using line = await Line.start({ dispatcherEnv: { ALLOW_LOCAL_WEBHOOKS: 'false' } });
    const literal = await line.createWebhook('/private');
    const named = await line.createWebhook(line.receiver.url('/named').replace('127.0.0.1', 'localhost'));
    await line.publish();
    for (const { id } of [literal, named]) {
      expect(await line.outcomes(id, 1)).toMatchObject([
        {
          kind: 'attempt_failed',
          nextAttemptAt: null,
          attempt: { error: { code: 'PRIVATE_IP_BLOCKED' }, response: null },
        },
      ]);
    }
    expect(line.receiver.requests).toEqual([]);
  });

  it('AC-20 refuses private addresses when a webhook is made', async () => {
    await using line = await Line.start({ env: { ALLOW_LOCAL_WEBHOOKS: 'false' } });
    await expect(line.createWebhook('/private')).rejects.toMatchObject({
      code: 3,
      details: { violations: [{ field: 'webhook_url', code: 'FORBIDDEN_ADDRESS' }] },
    });
  });
});
