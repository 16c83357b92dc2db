import { createHmac } from 'node:crypto';
import { eventually } from '@grapnel/testkit/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Line } from '../support/line.ts';

const hex = (secret: string, body: Uint8Array): string => createHmac('sha256', secret).update(body).digest('hex');

describe('what each profile sends', () => {
  let line: Line;
  beforeAll(async () => {
    line = await Line.start({ dispatcherEnv: { GRAPNEL_SIGNATURE_HEADERS: 'groupgm=X-Acme-Signature' } });
  });
  afterAll(() => line[Symbol.asyncDispose]());

  const attach = async (jobId: string, path: string, more: object = {}) => {
    const { client, as } = line.webhooks;
    return client.attachJobWebhook({ jobId, url: line.receiver.url(path), ...more }, as);
  };

  it('FC-01 FC-03 FC-04 FC-06 FC-07 a job’s own webhook gets its envelopes, and is retired with the job', async () => {
    const { webhook, accountSecret } = await attach('job-1', '/fc', {
      metadata: { order: 17 },
      headers: { 'x-mine': 'yes' },
    });
    const other = await attach('job-2', '/fc-other');
    expect(accountSecret).toMatch(/^[0-9a-f]{64}$/);
    expect(other.accountSecret).toBe('');
    await line.publish('crawl.started', { job_id: 'job-1' }, { jobId: 'job-1' });
    await line.publish('crawl.page', { markdown: '# Hi', metadata: { statusCode: 200 } }, { jobId: 'job-1' });
    await line.publish(
      'crawl.page',
      { success: false, error: 'timed out', metadata: { url: 'u' } },
      { jobId: 'job-1' },
    );
    await line.publish('scrape.completed', { no: 'concern' }, { jobId: 'job-1' });
    await line.publish('crawl.completed', { total: 2 }, { jobId: 'job-1' });
    const requests = await line.receiver.waitFor(4, { path: '/fc' });
    const bodies = requests.map(({ body }) => body.toString());
    const head = (type: string, success = true) => `{"success":${success},"type":"${type}","id":"job-1","data":`;
    expect(bodies).toContain(`${head('crawl.started')}[],"metadata":{"order":17}}`);
    expect(bodies).toContain(
      `${head('crawl.page')}[{"markdown":"# Hi","metadata":{"statusCode":200}}],"metadata":{"order":17}}`,
    );
    expect(bodies).toContain(
      `${head('crawl.page', false)}[{"success":false,"error":"timed out","metadata":{"url":"u"}}],"error":"timed out","metadata":{"order":17}}`,
    );
    expect(bodies).toContain(`${head('crawl.completed')}[],"metadata":{"order":17}}`);
    for (const request of requests) {
      expect(request.header('x-firecrawl-signature')).toBe(`sha256=${hex(accountSecret, request.body)}`);
      expect(request.header('x-mine')).toBe('yes');
    }
    await eventually(async () => {
      const retired = await line.webhook(webhook?.id ?? '');
      expect(retired).toMatchObject({ active: false, inactive: { detail: 'its job has ended' } });
    });
    await expect(attach('job-1', '/fc')).rejects.toThrow('the job has ended');
    await line.publish('crawl.page', { late: true }, { jobId: 'job-1' });
    await line.publish('crawl.completed', {}, { jobId: 'job-2' });
    await line.receiver.waitFor((r) => r.path === '/fc-other');
    expect(line.receiver.requestsTo('/fc')).toHaveLength(4);
  });

  it('FC-05 FC-06 short names choose among the profile’s types; the same URL for the same job is the same webhook', async () => {
    const events = { values: ['completed', 'extract.failed'] };
    const first = await attach('job-3', '/fc3', { events });
    const again = await attach('job-3', '/fc3', { events });
    expect(again.webhook?.id).toBe(first.webhook?.id);
    expect(first.webhook?.config?.eventTypes?.values).toEqual([
      'crawl.completed',
      'batch_scrape.completed',
      'extract.completed',
      'extract.failed',
    ]);
    await expect(attach('job-3', '/fc4', { events: { values: ['finished'] } })).rejects.toMatchObject({
      details: { violations: [{ field: 'events' }] },
    });
  });

  it('FC-09 the end of a job is not sent before its pages have been tried, though these are retried', async () => {
    await attach('job-9', '/fc9');
    line.receiver.sequence('/fc9', [{ status: 500 }, { status: 500 }, { status: 200 }]);
    const pages = Array.from({ length: 30 }, (_, n) => n);
    await line.publish('crawl.started', {}, { jobId: 'job-9' });
    for (const n of pages) await line.publish('crawl.page', { n }, { jobId: 'job-9' });
    await line.publish('crawl.completed', {}, { jobId: 'job-9' });
    const isEnd = (body: Buffer): boolean => body.includes('crawl.completed');
    await line.receiver.waitFor((r) => r.path === '/fc9' && isEnd(r.body));
    const before = line.receiver.requestsTo('/fc9');
    const end = before.findIndex(({ body }) => isEnd(body));
    const tried = new Set(before.slice(0, end).map(({ body }) => body.toString()));
    expect(tried.size).toBe(31);
  });

  it('TH-04 TH-07 TH-08 TH-10 a template says what is sent; the system’s headers stand', async () => {
    const { secret } = await line.createWebhook('/th', {
      profile: 'template',
      eventTypes: { values: ['ACTOR.RUN.SUCCEEDED'] },
      payloadTemplate:
        '{"type":"{{eventType}}","task":"{{resource.taskId}}","all":"{{resource}}","n":"{{resource.n}}"}',
      headersTemplate: '{"X-Task":"{{resource.taskId}}","WEBHOOK":"forged","host":"forged"}',
    });
    await line.publish('ACTOR.RUN.SUCCEEDED', { resource: { taskId: '{{userId}}', n: 0 } });
    const request = await line.receiver.waitFor((r) => r.path === '/th');
    expect(request.body.toString()).toBe(
      '{"type":"ACTOR.RUN.SUCCEEDED","task":"{{userId}}","all":{"taskId":"{{userId}}","n":0},"n":0}',
    );
    expect(request.header('x-task')).toBe('{{userId}}');
    expect(request.header('webhook')).toBe('ACTOR.RUN.SUCCEEDED');
    expect(request.header('webhook-dispatch-id')).toMatch(/^dlv_/);
    expect(request.header('request-origin')).toBe('grapnel');
    expect(request.header('x-webhook-signature')).toBe(`sha256=${hex(secret, request.body)}`);
  });

  it('TH-07 an event whose values break a header is skipped and says why', async () => {
    const { id } = await line.createWebhook('/th-bad', {
      profile: 'template',
      eventTypes: { values: ['ACTOR.RUN.FAILED'] },
      payloadTemplate: '{"a":"{{eventData}}"}',
      headersTemplate: '{"X-Name":"{{eventData.name}}"}',
    });
    await line.publish('ACTOR.RUN.FAILED', { name: 'a\r\nX-Evil: 1' });
    expect(await line.outcomes(id, 1)).toMatchObject([{ kind: 'skipped', reason: 'not_renderable' }]);
    expect(line.receiver.requestsTo('/th-bad')).toHaveLength(0);
  });

  it('GG-02 GG-04 sends event, time to the second and data, signed under the deployment’s own header name', async () => {
    const { secret } = await line.createWebhook('/gg', {
      profile: 'groupgm',
      eventTypes: { values: ['member.joined'] },
    });
    const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    await line.publish('member.joined', { member: 'a' }, { time });
    const first = await line.receiver.waitFor((r) => r.path === '/gg');
    expect(first.body.toString()).toBe(
      '{"event":"member.joined","timestamp":"2026-01-02T03:04:05Z","data":{"member":"a"}}',
    );
    expect(first.header('x-acme-signature')).toBe(`sha256=${hex(secret, first.body)}`);
    // A second one in the same second must not look like the first to who recognises repeats by type and time.
    await line.publish('member.joined', { member: 'b' }, { time: time + 1 });
    const requests = await line.receiver.waitFor(2, { path: '/gg' });
    expect(requests.map(({ body }) => JSON.parse(body.toString()).timestamp)).toContain('2026-01-02T03:04:05.679Z');
  });

  it('ST-03 Retry-After postpones, and 410 disables the webhook', async () => {
    const config = { profile: 'standard', eventTypes: { values: ['task.executed'] } };
    const { id } = await line.createWebhook('/st', config);
    line.receiver.sequence('/st', [
      { status: 503, headers: { 'retry-after': '120' } },
      { status: 410 },
      { status: 410 },
    ]);
    await line.publish('task.executed', {});
    const [outcome] = await line.outcomes(id, 1);
    const due = outcome?.kind === 'attempt_failed' ? (outcome.nextAttemptAt ?? 0) - outcome.attempt.startedAt : 0;
    // Two minutes of the tests' shortened time; the schedule alone would have been five seconds.
    expect(due).toBeGreaterThanOrEqual(1_900);
    const gone = await line.createWebhook('/st-gone', {
      ...config,
      eventTypes: { values: ['task.failed'] },
    });
    line.receiver.respond({ status: 410 }, '/st-gone');
    await line.publish('task.failed', {});
    await eventually(async () =>
      expect(await line.webhook(gone.id)).toMatchObject({
        active: false,
        inactive: { detail: 'the endpoint answered 410 Gone' },
      }),
    );
  });

  it('ST-04 writes the body as Python would for a receiver that serialises again', async () => {
    await line.createWebhook('/py', { bodyEncoding: 'python_json', eventTypes: { values: ['search.completed'] } });
    await line.publish('search.completed', { q: 'é', n: [1, 2.5] });
    const request = await line.receiver.waitFor((r) => r.path === '/py');
    expect(request.body.toString()).toBe('{"q": "\\u00e9", "n": [1, 2.5]}');
  });

  it('ST-08 sends CloudEvents where a webhook of the standard profile asks for them', async () => {
    await line.createWebhook('/ce', {
      profile: 'standard',
      bodyFormat: 'cloudevents',
      eventTypes: { values: ['map.completed'] },
    });
    await line.publish('map.completed', { total: 3 }, { jobId: 'job-m' });
    const request = await line.receiver.waitFor((r) => r.path === '/ce');
    expect(request.header('content-type')).toMatch(/^application\/cloudevents\+json/);
    expect(JSON.parse(request.body.toString())).toMatchObject({
      specversion: '1.0',
      type: 'map.completed',
      subject: 'job-m',
      data: { total: 3 },
    });
  });

  it('ST-07 conditions of one event cost a bounded time together, and explain says which were past its end', async () => {
    const made: string[] = [];
    for (let n = 0; n < 13; n++) {
      const condition = `data.n.all(x, x < ${n + 2}.5)`;
      made.push((await line.createWebhook('/budget', { condition, eventTypes: { values: ['map.started'] } })).id);
    }
    const data = { n: Array.from({ length: 40_000 }, () => 1) };
    const { client, as } = line.webhooks;
    const asked = { type: 'map.started', data: Buffer.from(JSON.stringify(data)) };
    const { explanations } = await client.explain(asked, as);
    const reasons = made.map((id) => explanations.find(({ webhookId }) => webhookId === id)?.reason ?? '');
    const past = reasons.findIndex((reason) => reason.includes('was not asked to its end'));
    expect(past).toBeGreaterThan(3);
    expect(reasons.slice(0, past).every((reason) => reason.startsWith('subscribed'))).toBe(true);
    expect(reasons.slice(past).every((reason) => reason.includes('was not asked to its end'))).toBe(true);
    await line.publish('map.started', data);
    await line.publish('map.started', { n: [1] });
    const small = (r: { readonly body: Buffer }): boolean => r.body.byteLength < 100;
    await line.receiver.waitFor(13 + past, { path: '/budget' });
    expect(line.receiver.requestsTo('/budget').filter(small)).toHaveLength(13);
  });

  it('ST-07 a condition lets through what it holds for, and explain says so', async () => {
    const { id } = await line.createWebhook('/cond', {
      condition: 'data.status >= 500 && "eu" in tags',
      eventTypes: { values: ['map.failed'] },
    });
    await line.publish('map.failed', { status: 404 }, { tags: ['eu'] });
    await line.publish('map.failed', { status: 503 }, { tags: ['us'] });
    await line.publish('map.failed', { status: 503 }, { tags: ['eu'] });
    const request = await line.receiver.waitFor((r) => r.path === '/cond');
    expect(request.body.toString()).toBe('{"status":503}');
    const { client, as } = line.webhooks;
    const asked = { type: 'map.failed', webhookId: id, tags: ['eu'], data: Buffer.from('{"status":200}') };
    const { explanations } = await client.explain(asked, as);
    expect(explanations).toMatchObject([{ reason: 'its condition does not hold' }]);
    const broken = await client.explain({ ...asked, data: Buffer.from('{}') }, as);
    expect(broken.explanations[0]?.reason).toContain('its condition failed');
    await expect(line.createWebhook('/x', { condition: 'data.a ==' })).rejects.toMatchObject({
      details: { violations: [{ field: 'condition' }] },
    });
  });
});
