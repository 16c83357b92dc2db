import { createHmac, createPublicKey, verify } from 'node:crypto';
import type { ReceivedRequest } from '@grapnel/testkit/received-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, Platform } from '../support/platform.ts';

/** What a Standard Webhooks signature is over. */
const signedPart = (request: ReceivedRequest): Buffer =>
  Buffer.concat([Buffer.from(`${request.header('webhook-id')}.${request.header('webhook-timestamp')}.`), request.body]);

const v1 = (secret: string, request: ReceivedRequest): string => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(signedPart(request)).digest('base64')}`;
};

describe('every profile through the REST API', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  const received = (path: string, count = 1) => platform.receiver.waitFor(count, { path, timeoutMs: 30_000 });
  const first = async (path: string): Promise<ReceivedRequest> => (await received(path))[0] as ReceivedRequest;
  const made = (config: object) =>
    platform.call('POST', '/v1/webhooks', {
      name: 'n',
      webhook_url: platform.receiver.url('/never'),
      event_types: ['crawl.page'],
      ...config,
    });

  describe('template', () => {
    const RESOURCE = {
      taskId: '2e9ddee0582a',
      url: '{"spider_errors":true,"spider_id":"3","spider_parameters":[{"url":"https://example.com/dp/B0?th=1\\u0026psc=1"}]}',
      apiKey: '289f5c53e47d616',
      apiCode: 400,
      apiErrorMsg: '',
      successRate: 0,
      runseconds: 12_340,
      detail: 'Completed! 26 requests in total: 26 successful, 0 failed',
      csvUrl: 'https://example.com/a.csv',
      jsonUrl: 'https://example.com/a.json',
      audioUrl: '',
      videoUrl: '',
      subtitleUrl: '',
      createdAt: '2025-06-07T14:33:14+08:00',
    };
    const EVENT_DATA = { prodect_id: '3', apiRunId: '2e9ddee0582a', items: ['a', 'b'] };

    it('TH-01 TH-02 TH-05 TH-09 TH-10 renders the three kinds of a run, every field verbatim', async () => {
      const { id } = await platform.createWebhook('/th', {
        profile: 'template',
        name: 'runs',
        event_types: ['ACTOR.RUN.RUNNING', 'ACTOR.RUN.SUCCEEDED', 'ACTOR.RUN.FAILED'],
        payload_template: {
          eventType: '{{eventType}}',
          eventData: '{{eventData}}',
          resource: '{{resource}}',
          item: '{{eventData.items.1}}',
          missing: '{{resource.no.such}}',
          text: 'task {{resource.taskId}}{{resource.nothing}}',
        },
        headers_template: { 'X-Product': '{{eventData.prodect_id}}' },
      });
      expect(await platform.webhook(id)).toMatchObject({ profile: 'template', timeout_seconds: 30, signed: true });
      const kinds = ['ACTOR.RUN.RUNNING', 'ACTOR.RUN.SUCCEEDED', 'ACTOR.RUN.FAILED'];
      for (const kind of kinds) await platform.publish(kind, { eventData: EVENT_DATA, resource: RESOURCE });
      const requests = await received('/th', 3);
      expect(requests).toHaveLength(3);
      expect(new Set(requests.map((request) => request.header('webhook')))).toEqual(new Set(kinds));
      for (const request of requests) {
        expect(request.header('x-product')).toBe('3');
        expect(request.text()).toBe(
          JSON.stringify({
            eventType: request.header('webhook'),
            eventData: EVENT_DATA,
            resource: RESOURCE,
            item: 'b',
            missing: null,
            text: 'task 2e9ddee0582a',
          }),
        );
      }
    });

    it('TH-10 is sent on the webhook’s own schedule, and not signed where it asks for that', async () => {
      const { id } = await platform.createWebhook('/th-unsigned', {
        profile: 'template',
        event_types: ['task.paused'],
        payload_template: '{"a":"{{eventData}}"}',
        signed: false,
        retry_delays: [5],
      });
      expect(await platform.webhook(id)).toMatchObject({ signed: false, retry_delays: [5], max_retries: 1 });
      await platform.publish('task.paused', {});
      const request = await first('/th-unsigned');
      expect(request.headers.map(([name]) => name.toLowerCase())).not.toContain('x-webhook-signature');
    });

    it('TH-03 refuses a template with the place and the name of what is wrong', async () => {
      const refused = async (config: object) => faultsOf(await made({ profile: 'template', ...config }));
      expect(await refused({})).toMatchObject([{ field: 'payload_template', code: 'REQUIRED' }]);
      const [unknown] = await refused({ payload_template: '{\n  "a": "{{nobody.x}}"\n}' });
      expect(unknown).toMatchObject({ field: 'payload_template', message: expect.stringContaining('nobody') });
      expect(unknown?.message).toMatch(/line 2, column \d+/);
      const [broken] = await refused({ payload_template: '{"a": }' });
      expect(broken?.message).toMatch(/^is not valid JSON at line 1, column 7/);
      const signature = await refused({
        payload_template: '{}',
        headers_template: '{"a":"b",\n"x-WEBHOOK-signature":"x"}',
      });
      expect(signature).toMatchObject([
        { field: 'headers_template', message: expect.stringMatching(/^at line 2, .*the header x-WEBHOOK-signature/) },
      ]);
      // The original's own are overwritten, and may be named.
      const original = { name: 'o', webhook_url: platform.receiver.url('/o'), event_types: ['*'], profile: 'template' };
      const named = { payload_template: '{}', headers_template: '{"Host":"x","Webhook-Dispatch-Id":"y"}' };
      expect((await platform.call('POST', '/v1/webhooks', { ...original, ...named })).status).toBe(201);
      const headers = await refused({ payload_template: '{}', headers_template: { 'X-A': 1 } });
      expect(headers).toMatchObject([{ field: 'headers_template', message: expect.stringContaining('line 1') }]);
    });

    it('TH-11 a preview shows the exact bytes and headers that are sent', async () => {
      const templates = {
        payload_template: '{ "who": "{{userId}}", "n": [ "{{resource.n}}", 1.50 ] }',
        headers_template: '{"X-Run":"run {{resource.n}}"}',
      };
      const data = { resource: { n: 0 } };
      const sample = { ...templates, event_type: 'task.resumed', data };
      const preview = await platform.call('POST', '/v1/templates/preview', sample);
      expect(preview.status).toBe(200);
      await platform.createWebhook('/th-preview', {
        profile: 'template',
        event_types: ['task.resumed'],
        signed: false,
        ...templates,
      });
      await platform.publish('task.resumed', data);
      const request = await first('/th-preview');
      expect(preview.body.data.body).toBe(request.text());
      expect(preview.body.data.body).toContain(`"who":"${platform.tenant}"`);
      const { 'Webhook-Dispatch-Id': dispatch, ...same } = preview.body.data.headers;
      expect(dispatch).toMatch(/^dlv_/);
      for (const [name, value] of Object.entries(same)) expect(request.header(name), `header ${name}`).toBe(value);
      expect(same).toMatchObject({ 'X-Run': 'run 0', Webhook: 'task.resumed' });
      const wrong = { ...sample, payload_template: '{"a":"{{x}}"}', event_type: 'nope' };
      expect(faultsOf(await platform.call('POST', '/v1/templates/preview', wrong)).map(({ field }) => field)).toEqual(
        expect.arrayContaining(['event_type', 'payload_template']),
      );
    });
  });

  describe('groupgm', () => {
    it('GG-02 GG-03 GG-05 GG-07 sends a group’s events verbatim, and its history has what a dashboard shows', async () => {
      const path = '/gg';
      platform.receiver.sequence(path, [{ status: 404, body: 'not yet' }]);
      const types = ['message.received', 'member.joined', 'member.left', 'file.uploaded'];
      const { id } = await platform.createWebhook(path, { profile: 'groupgm', event_types: types });
      expect(await platform.webhook(id)).toMatchObject({
        timeout_seconds: 30,
        max_retries: 3,
        retry_delays: [60, 300, 1_800],
      });
      const data = { channelId: 'C1', member: { userId: 'U1', displayName: '李小華' }, size: 12_345_678 };
      await platform.publish('member.left', data);
      const [delivery] = await platform.ended(id, 1, 60_000);
      expect(delivery).toMatchObject({ status: 'delivered', event_type: 'member.left', attempt_number: 2 });
      expect(delivery).toMatchObject({
        delivered_at: expect.stringMatching(/Z$/),
        response_status: 200,
        response_duration_ms: expect.any(Number),
      });
      const one = await platform.call('GET', `/v1/webhooks/${id}/deliveries/${delivery.uuid}`);
      expect(one.body.data.attempts).toContainEqual(
        expect.objectContaining({
          started_at: expect.stringMatching(/Z$/),
          response_status: 404,
          duration_ms: expect.any(Number),
          error_message: expect.stringContaining('404'),
        }),
      );
      const [before, after] = await received(path, 2);
      expect(after?.text()).toBe(before?.text());
      expect(after?.text()).toMatch(/^\{"event":"member\.left","timestamp":"[\d-]{10}T[\d:]{8}Z","data":\{/);
      for (const type of types.filter((each) => each !== 'member.left')) await platform.publish(type, data);
      const all = await received(path, 5);
      for (const request of all) expect(request.text().endsWith(`"data":${JSON.stringify(data)}}`)).toBe(true);
      expect(new Set(all.map((request) => request.json<{ event: string }>().event))).toEqual(new Set(types));
    }, 90_000);

    it('GG-06 a test has an object for its data', async () => {
      const { id } = await platform.createWebhook('/gg-test', { profile: 'groupgm', event_types: ['member.joined'] });
      expect((await platform.call('POST', `/v1/webhooks/${id}/test`)).status).toBe(200);
      const body = (await first('/gg-test')).json<{ event: string; data: { webhook_id: string } }>();
      expect(body).toMatchObject({ event: 'webhook.test', data: { webhook_id: id } });
    });
  });

  describe('standard', () => {
    it('ST-01 ST-02 signs with v1, and with both secrets after a rotation', async () => {
      const { id, secret } = await platform.createWebhook('/st', {
        profile: 'standard',
        event_types: ['search.created'],
      });
      expect(secret).toMatch(/^whsec_/);
      expect(await platform.webhook(id)).toMatchObject({ signature_scheme: 'v1', public_key: null });
      await platform.publish('search.created', { n: 1 });
      const one = await first('/st');
      expect(one.header('webhook-signature')).toBe(v1(secret, one));
      expect(one.json()).toMatchObject({ type: 'search.created', data: { n: 1 } });

      const rotated = await platform.call('POST', `/v1/webhooks/${id}/rotate-secret`, { overlap_seconds: 3_600 });
      const next: string = rotated.body.data.secret;
      await platform.publish('search.created', { n: 2 });
      const two = (await received('/st', 2))[1] as ReceivedRequest;
      expect(two.header('webhook-signature')).toBe(`${v1(next, two)} ${v1(secret, two)}`);
      expect((await platform.webhook(id)).previous_secrets_expire_at).toHaveLength(1);
    });

    it('ST-01 ST-02 signs with v1a, for which the webhook shows the public key', async () => {
      const { id, secret } = await platform.createWebhook('/st-a', {
        profile: 'standard',
        signature_scheme: 'v1a',
        event_types: ['search.started'],
      });
      expect(secret).toMatch(/^whsk_/);
      const shown = await platform.webhook(id);
      expect(shown.public_key).toMatch(/^whpk_/);
      expect(JSON.stringify(shown)).not.toContain(secret);
      const rotated = await platform.call('POST', `/v1/webhooks/${id}/rotate-secret`, {});
      expect(rotated.body.data.secret).toMatch(/^whsk_/);
      const next = (await platform.webhook(id)).public_key;
      await platform.publish('search.started', {});
      const request = await first('/st-a');
      const signatures = (request.header('webhook-signature') ?? '').split(' ');
      const verified = [next, shown.public_key].map((publicKey: string, i) => {
        const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url');
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
        const [version, signature = ''] = (signatures[i] ?? '').split(',');
        return version === 'v1a' && verify(null, signedPart(request), key, Buffer.from(signature, 'base64'));
      });
      expect(verified).toEqual([true, true]);
    });

    it('ST-08 takes CloudEvents, structured and binary, and sends one', async () => {
      await platform.createWebhook('/ce', {
        profile: 'standard',
        body_format: 'cloudevents',
        event_types: ['map.completed'],
      });
      const post = (headers: Record<string, string>, body: unknown) =>
        fetch(`${platform.gateway}/v1/events`, {
          method: 'POST',
          headers: { authorization: `Bearer ${platform.apiKey}`, ...headers },
          body: JSON.stringify(body),
        });
      const attributes = { specversion: '1.0', source: '/crawler', type: 'map.completed' };
      const structured = await post(
        { 'content-type': 'application/cloudevents+json' },
        { ...attributes, id: 'ce-1', datacontenttype: 'application/json', data: { n: 1 } },
      );
      expect(structured.status).toBe(202);
      const binary = await post(
        {
          'content-type': 'application/json',
          ...Object.fromEntries(Object.entries({ ...attributes, id: 'ce-2' }).map(([k, v]) => [`ce-${k}`, v])),
        },
        { n: 2 },
      );
      expect(binary.status).toBe(202);
      const requests = await received('/ce', 2);
      for (const request of requests) {
        expect(request.header('content-type')).toMatch(/^application\/cloudevents\+json/);
        expect(request.json()).toMatchObject({ specversion: '1.0', type: 'map.completed' });
      }
      const numbers = requests.map((request) => request.json<{ data: { n: number } }>().data.n);
      expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2]);
    });
  });

  describe('what is decided at creation, and what belongs to one profile', () => {
    it('AC-06 profile, job and scheme cannot be changed, and come back unchanged without harm', async () => {
      const { id } = await platform.createWebhook('/fixed', { profile: 'standard' });
      const put = (changes: object) => platform.call('PUT', `/v1/webhooks/${id}`, changes);
      for (const [field, value] of Object.entries({ profile: 'groupgm', signature_scheme: 'v1a', job_id: 'job-1' })) {
        expect(faultsOf(await put({ [field]: value })), `field ${field}`).toMatchObject([{ field }]);
      }
      expect((await put({ profile: 'standard', signature_scheme: 'v1' })).status).toBe(200);
      expect(await platform.webhook(id)).toMatchObject({ profile: 'standard', signature_scheme: 'v1', job_id: null });
    });

    it('AC-04 an option of another profile is refused by its name', async () => {
      const options: Record<string, unknown> = {
        body_format: 'cloudevents',
        signature_scheme: 'v1a',
        include_webhook_id: true,
        payload_template: '{}',
        headers_template: '{}',
        signed: false,
      };
      for (const [field, value] of Object.entries(options)) {
        const [fault] = faultsOf(await made({ [field]: value }));
        expect(fault).toMatchObject({ field, message: expect.stringContaining('is an option of the profile') });
      }
      expect(faultsOf(await made({ profile: 'nobody' }))).toMatchObject([{ field: 'profile' }]);
      expect(faultsOf(await made({ condition: 'data.x ==' }))).toMatchObject([{ field: 'condition' }]);
      expect(faultsOf(await made({ condition: 'nofn(data)' }))).toMatchObject([
        { field: 'condition', message: expect.stringContaining('nofn, which is no function here; it may call') },
      ]);
      expect(faultsOf(await made({ condition: '1 + 1' }))).toMatchObject([
        { field: 'condition', message: 'must come to true or false, and this comes to int' },
      ]);
    });
  });

  it('ST-07 explain judges tags, conditions and jobs of an imagined event', async () => {
    const { id } = await platform.createWebhook('/explain', {
      event_types: ['crawl.failed'],
      event_tags: ['eu'],
      condition: 'data.status >= 500',
    });
    const job = (await platform.attach('job-e', platform.receiver.url('/explain'))).body.data.webhook_id;
    const verdict = async (webhookId: string, more: object) => {
      const asked = { type: 'crawl.failed', webhook_id: webhookId, ...more };
      const answer = await platform.call('POST', '/v1/webhooks/explain', asked);
      return answer.body.data[0].verdict;
    };
    expect(await verdict(id, {})).toBe('filtered_by_tags');
    expect(await verdict(id, { tags: ['eu'], data: { status: 404 } })).toBe('filtered_by_condition');
    expect(await verdict(id, { tags: ['eu', 'x'], data: { status: 503 } })).toBe('matched');
    expect(await verdict(job, { job_id: 'job-other' })).toBe('filtered_by_job');
    expect(await verdict(job, { job_id: 'job-e' })).toBe('matched');
  });
});
