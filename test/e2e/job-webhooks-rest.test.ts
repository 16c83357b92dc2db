import { createHmac } from 'node:crypto';
import { Code } from '@grapnel/rpc/errors';
import type { ReceivedRequest } from '@grapnel/testkit/received-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTenant, until, webhooksOf } from '../support/ground.ts';
import { faultsOf, Platform } from '../support/platform.ts';

const hex = (secret: string, { body }: ReceivedRequest): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('webhooks of jobs through the REST API', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start({ subscriptionEnv: { GRAPNEL_MAX_WEBHOOKS_PER_JOB: '3' } });
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  const received = (path: string, count = 1) => platform.receiver.waitFor(count, { path, timeoutMs: 30_000 });

  it('FC-06 FC-08 is attached to a job as an object, with the documented schedule', async () => {
    const url = platform.receiver.url('/fc-object');
    const answer = await platform.attach('job-a', {
      url,
      headers: { 'X-Mine': 'yes' },
      metadata: { order: 1 },
      events: ['completed'],
    });
    expect(answer).toMatchObject({ status: 201, body: { success: true, data: { job_id: 'job-a' } } });
    const { webhook_id: id, events } = answer.body.data;
    expect(events).toEqual(['crawl.completed', 'batch_scrape.completed', 'extract.completed']);
    expect(await platform.webhook(id)).toMatchObject({
      profile: 'firecrawl',
      job_id: 'job-a',
      webhook_url: url,
      timeout_seconds: 10,
      max_retries: 3,
      retry_delays: [60, 300, 900],
      custom_headers: { 'X-Mine': 'yes' },
      metadata: { order: 1 },
    });
    const listed = await platform.call('GET', '/v1/webhooks?job_id=job-a');
    expect(listed.body.data.map(({ uuid }: { uuid: string }) => uuid)).toEqual([id]);
    const own = await platform.call('GET', '/v1/webhooks');
    expect(own.body.data.map(({ uuid }: { uuid: string }) => uuid)).not.toContain(id);
  });

  it('FC-06 is attached to a job as a bare URL, and refused with unknown keys or without a URL', async () => {
    const bare = await platform.attach('job-b', platform.receiver.url('/fc-bare'));
    expect(bare.status).toBe(201);
    expect(bare.body.data.events).toContain('extract.failed');
    const url = platform.receiver.url('/fc-no');
    expect(faultsOf(await platform.attach('job-b', { url, secret: 'x' }))).toMatchObject([
      { field: 'secret', code: 'UNKNOWN_FIELD' },
    ]);
    expect(faultsOf(await platform.attach('job-b', { events: ['page'] }))).toMatchObject([
      { field: 'url', code: 'REQUIRED' },
    ]);
    expect(faultsOf(await platform.attach('job-b', { url, events: 'page' }))).toMatchObject([{ field: 'events' }]);
    expect(faultsOf(await platform.attach('job-b', { url, headers: { 'X-A': 1 } }))).toMatchObject([
      { field: 'headers.X-A' },
    ]);
    expect(faultsOf(await platform.attach('job-b', 17))).toMatchObject([
      { field: 'body', message: 'must be a JSON object or a string' },
    ]);
    for (const wrong of ['nowhere', 'ftp://example.com', '']) {
      expect(faultsOf(await platform.attach('job-b', wrong)), `url "${wrong}"`).toMatchObject([{ field: 'url' }]);
      expect(faultsOf(await platform.attach('job-b', { url: wrong })), `url "${wrong}"`).toMatchObject([
        { field: 'url' },
      ]);
    }
    const events = faultsOf(await platform.attach('job-b', { url, events: ['page', 'finished'] }));
    expect(events).toMatchObject([{ field: 'events', message: expect.stringContaining('"finished"') }]);
    const headers = faultsOf(await platform.attach('job-b', { url, headers: { 'Content-Length': '1' } }));
    expect(headers).toMatchObject([{ field: 'headers.Content-Length' }]);
  });

  it('FC-02 FC-03 speaks every documented type', async () => {
    const types = {
      'crawl.started': 0,
      'crawl.page': 1,
      'crawl.cancelled': 0,
      'batch_scrape.started': 0,
      'batch_scrape.page': 1,
      'batch_scrape.completed': 0,
      'extract.started': 0,
      'extract.completed': 1,
      'extract.failed': 0,
      'crawl.completed': 0,
    };
    // Each its own job, because some of them end theirs.
    for (const type of Object.keys(types)) await platform.attach(`job-${type}`, platform.receiver.url('/fc-types'));
    for (const type of Object.keys(types)) {
      const data = type === 'extract.failed' ? { error: 'timed out' } : { of: type };
      expect((await platform.publish(type, data, { job_id: `job-${type}` })).status).toBe(202);
    }
    const requests = await received('/fc-types', 10);
    const bodies = requests.map((request) => request.json<{ type: string; id: string; data: unknown[] }>());
    expect(bodies.map(({ type }) => type).toSorted()).toEqual(Object.keys(types).toSorted());
    for (const { type, id, data } of bodies) {
      expect(id).toBe(`job-${type}`);
      expect(data, `event ${type}`).toEqual(types[type as keyof typeof types] === 0 ? [] : [{ of: type }]);
    }
    expect(bodies).toContainEqual({
      success: false,
      type: 'extract.failed',
      id: 'job-extract.failed',
      data: [],
      error: 'timed out',
      metadata: {},
    });
  }, 60_000);

  it('FC-06 FC-07 is one webhook with one secret, however often it is asked for at once', async () => {
    const { apiKey } = await newTenant(platform.subscription);
    await until('the key is known', async () => {
      return (await platform.call('GET', '/v1/account', undefined, apiKey)).status === 200;
    });
    const url = platform.receiver.url('/fc-same');
    const answers = await Promise.all([1, 2, 3].map(() => platform.attach('job-same', url, apiKey)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.data.webhook_id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.data.account_secret !== null)).toHaveLength(1);
  });

  it('FC-06 is the same webhook when attached again as it is, and refused when attached otherwise', async () => {
    const url = platform.receiver.url('/fc-again');
    const asked = { url, events: ['page', 'started'], metadata: { a: 1, b: { c: [2, 3] } }, headers: { 'X-A': '1' } };
    const first = await platform.attach('job-again', asked);
    const same = { ...asked, events: ['started', 'page'], metadata: { b: { c: [2, 3] }, a: 1 } };
    const again = await platform.attach('job-again', same);
    expect([again.status, again.body.data.webhook_id]).toEqual([201, first.body.data.webhook_id]);

    const other = await platform.attach('job-again', { ...asked, metadata: { a: 2 }, events: ['page'] });
    expect(other).toMatchObject({ status: 409, body: { success: false } });
    expect(other.body.error).toContain('attached to the job already, with other events, metadata');
    expect((await platform.attach('job-again', url)).status).toBe(409);
    expect(faultsOf(await platform.attach('job-again', { ...asked, events: ['finished'] }))).toMatchObject([
      { field: 'events', message: expect.stringContaining('"finished"') },
    ]);
    const { client, as } = webhooksOf(platform.subscription, platform.tenant);
    const byGrpc = client.attachJobWebhook({ jobId: 'job-again', url, events: { values: ['failed'] } }, as);
    await expect(byGrpc).rejects.toMatchObject({ code: Code.ALREADY_EXISTS });

    expect((await platform.call('DELETE', `/v1/webhooks/${first.body.data.webhook_id}`)).status).toBe(200);
    expect(await platform.attach('job-again', asked)).toMatchObject({ status: 409 });
    expect((await platform.attach('job-again', { ...asked, events: ['finished'] })).status).toBe(400);
  });

  it('FC-06 a job has so many webhooks and no more', async () => {
    const attach = (n: number) => platform.attach('job-full', platform.receiver.url(`/fc-full-${n}`));
    const first = await attach(1);
    for (const n of [2, 3]) expect((await attach(n)).status).toBe(201);
    const more = await attach(4);
    expect(more).toMatchObject({ status: 429, body: { error: 'at most 3 webhooks per job; delete some first' } });
    expect((await attach(3)).status).toBe(201);
    const { client, as } = webhooksOf(platform.subscription, platform.tenant);
    const config = { name: 'x', url: platform.receiver.url('/fc-x'), eventTypes: { values: ['*'] }, jobId: 'job-full' };
    await expect(client.createWebhook({ config }, as)).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    await platform.call('DELETE', `/v1/webhooks/${first.body.data.webhook_id}`);
    expect((await attach(4)).status).toBe(201);
  });

  it('FC-07 signs with the account’s secret, which is shown once and rotated by itself', async () => {
    const { apiKey } = await newTenant(platform.subscription);
    const as = (method: string, path: string, body?: unknown) => platform.call(method, path, body, apiKey);
    await until('the key is known', async () => (await as('GET', '/v1/account')).status === 200);
    expect((await as('GET', '/v1/account')).body.data).toEqual({ has_secret: false, secret_created_at: null });
    // What is refused makes no secret.
    expect((await platform.attach('job-1', { url: 'ftp://example.com' }, apiKey)).status).toBe(400);
    expect((await as('GET', '/v1/account')).body.data.has_secret).toBe(false);

    const attached = await platform.attach('job-1', platform.receiver.url('/fc-account'), apiKey);
    const { account_secret: secret, webhook_id: id } = attached.body.data;
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const second = await platform.attach('job-2', platform.receiver.url('/fc-account'), apiKey);
    expect(second.body.data.account_secret).toBeNull();
    const account = await as('GET', '/v1/account');
    expect(account.body.data).toEqual({ has_secret: true, secret_created_at: expect.stringMatching(/Z$/) });
    expect(JSON.stringify(account.body)).not.toContain(secret);
    await as('POST', '/v1/events', { type: 'crawl.page', data: {}, job_id: 'job-1' });
    const request = (await received('/fc-account'))[0] as ReceivedRequest;
    expect(request.header('x-firecrawl-signature')).toBe(hex(secret, request));

    const rotated = await as('POST', '/v1/account/rotate-secret', { overlap_seconds: 0 });
    expect(rotated.body.data.secret).toMatch(/^[0-9a-f]{64}$/);
    expect(rotated.body.data.secret).not.toBe(secret);
    const next: string = rotated.body.data.secret;
    await until('signed with the new secret', async () => {
      await as('POST', '/v1/events', { type: 'crawl.page', data: {}, job_id: 'job-2' });
      const requests = platform.receiver.requestsTo('/fc-account');
      return requests.some((each) => each.header('x-firecrawl-signature') === hex(next, each));
    });
    expect(faultsOf(await as('POST', '/v1/account/rotate-secret', { overlap_seconds: 604_801 }))).toMatchObject([
      { field: 'overlap_seconds' },
    ]);
    // Its webhooks have no secret of their own to rotate.
    expect((await as('POST', `/v1/webhooks/${id}/rotate-secret`, {})).status).toBe(400);
  });

  it('FC-08 tries a refusal and a redirect again, and shows when', async () => {
    const path = '/fc-retry';
    platform.receiver.sequence(path, [{ status: 404 }, { mode: 'redirect', location: '/elsewhere' }]);
    const answer = await platform.attach('job-r', platform.receiver.url(path));
    await platform.publish('crawl.page', {}, { job_id: 'job-r' });
    const id: string = answer.body.data.webhook_id;
    const [delivery] = await platform.ended(id, 1, 60_000);
    expect(delivery).toMatchObject({ status: 'delivered', attempt_number: 3 });
    const one = await platform.call('GET', `/v1/webhooks/${id}/deliveries/${delivery.uuid}`);
    const attempts: Record<string, string>[] = one.body.data.attempts.toSorted(
      (a: { attempt_number: number }, b: { attempt_number: number }) => a.attempt_number - b.attempt_number,
    );
    expect(attempts.map(({ response_status: status }) => status)).toEqual([404, 302, 200]);
    expect(attempts[2]).toMatchObject({ next_attempt_at: null });
    const waits = attempts
      .slice(0, 2)
      .map(({ started_at: at = '', next_attempt_at: next = '' }) => Date.parse(next) - Date.parse(at));
    // One and five minutes of the tests' shortened time.
    expect(waits[0]).toBeGreaterThanOrEqual(1_000);
    expect(waits[1]).toBeGreaterThanOrEqual(5_000);
  }, 90_000);
});
