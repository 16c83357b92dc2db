import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACME_KEY, OTHER_KEY, REVOKED_KEY, startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ID = `wh_${'0'.repeat(26)}`;
const DELIVERY = `dlv_${'a'.repeat(26)}`;

const EVERY_PATH: readonly (readonly [string, string])[] = [
  ['POST', '/v1/webhooks'],
  ['GET', '/v1/webhooks'],
  ['GET', `/v1/webhooks/${ID}`],
  ['PUT', `/v1/webhooks/${ID}`],
  ['DELETE', `/v1/webhooks/${ID}`],
  ['PUT', `/v1/webhooks/${ID}/activate`],
  ['PUT', `/v1/webhooks/${ID}/deactivate`],
  ['POST', `/v1/webhooks/${ID}/test`],
  ['POST', `/v1/webhooks/${ID}/rotate-secret`],
  ['GET', `/v1/webhooks/${ID}/deliveries`],
  ['GET', `/v1/webhooks/${ID}/deliveries/tail`],
  ['GET', `/v1/webhooks/${ID}/deliveries/${DELIVERY}`],
  ['POST', `/v1/webhooks/${ID}/deliveries/${DELIVERY}/replay`],
  ['GET', `/v1/webhooks/${ID}/statistics`],
  ['GET', `/v1/webhooks/${ID}/endpoint`],
  ['GET', '/v1/webhook-events'],
  ['POST', '/v1/webhooks/explain'],
  ['GET', '/v1/deliveries'],
  ['GET', '/v1/deliveries/tail'],
  ['POST', '/v1/events'],
  ['GET', '/v1'],
  ['GET', '/v1/'],
  ['GET', '/v1/unknown'],
  ['PATCH', '/v1/webhooks'],
];

describe('API keys', () => {
  it.each(EVERY_PATH)('AC-01 %s %s needs one', async (method, path) => {
    const { status, json, headers } = await gateway.ask(method, path, { key: null });
    expect(status).toBe(401);
    expect(json).toEqual({ success: false, error: 'No authorization header provided' });
    expect(headers.get('www-authenticate')).toContain('Bearer');
  });

  it.each([
    ['Basic YTpi', 'Invalid authorization header format'],
    ['Bearer', 'Invalid authorization header format'],
    ['Bearer a b', 'Invalid authorization header format'],
    [ACME_KEY, 'Invalid authorization header format'],
    [`Bearer ${'x'.repeat(300)}`, 'Invalid authorization header format'],
    ['Bearer nobody-has-this-key', 'Invalid API key'],
    ['Bearer a-service-token-for-tests-only', 'Invalid API key'],
    [`Bearer ${REVOKED_KEY}`, 'API key is inactive'],
  ])('AC-01 refuses %s: %s', async (authorization, error) => {
    const { status, json } = await gateway.ask('GET', '/v1/webhooks', { key: null, headers: { authorization } });
    expect(status).toBe(401);
    expect(json).toEqual({ success: false, error });
  });

  it('AC-01 is asked for before the body is looked at', async () => {
    const { status } = await gateway.ask('POST', '/v1/webhooks', { key: null, raw: '{not json' });
    expect(status).toBe(401);
  });

  it.each([`bearer ${ACME_KEY}`, `BEARER  ${ACME_KEY}`])(
    'AC-01 takes the scheme in any case',
    async (authorization) => {
      const { status } = await gateway.ask('GET', '/v1/webhooks', { key: null, headers: { authorization } });
      expect(status).toBe(200);
    },
  );

  it('AC-01 answers 404 for an unknown path, with a key', async () => {
    for (const [method, path] of [
      ['GET', '/v1/unknown'],
      ['PATCH', '/v1/hooks'],
      ['GET', '/v1'],
    ] as const) {
      const { status, json } = await gateway.ask(method, path);
      expect(status).toBe(404);
      expect(json).toEqual({ success: false, error: 'Not found' });
    }
  });

  it("AC-01 lists only the key's tenant's webhooks and deliveries", async () => {
    const id = await gateway.create({ name: 'mine' });
    gateway.history.add('acme', id, DELIVERY);
    const webhooks = await gateway.ask('GET', '/v1/webhooks', { key: OTHER_KEY });
    expect(webhooks.json.data).toEqual([]);
    const deliveries = await gateway.ask('GET', '/v1/deliveries', { key: OTHER_KEY });
    expect(deliveries.json.data).toEqual([]);
    const filtered = await gateway.ask('GET', `/v1/deliveries?webhook_id=${id}`, { key: OTHER_KEY });
    expect(filtered.status).toBe(404);
    const explained = await gateway.ask('POST', '/v1/webhooks/explain', {
      key: OTHER_KEY,
      body: { type: 'scrape.completed', webhook_id: id },
    });
    expect(explained.status).toBe(404);
  });

  it('passes the tenant on, and never the key', async () => {
    await gateway.ask('GET', '/v1/webhooks');
    expect(gateway.webhooks.lastCall?.principal).toEqual({ kind: 'service', tenant: 'acme' });
  });

  it('does not call an unknown key wrong while keys are not loaded', async () => {
    await using starting = await startGateway({ awaitReady: false, env: { SUBSCRIPTION_GRPC: '127.0.0.1:1' } });
    const { status, json, headers } = await starting.ask('GET', '/v1/webhooks');
    expect(status).toBe(503);
    expect(json.success).toBe(false);
    expect(headers.get('retry-after')).toBe('1');
    const none = await starting.ask('GET', '/v1/webhooks', { key: null });
    expect(none.status).toBe(401);
    const ready = await starting.ask('GET', '/readyz', { key: null });
    expect(ready.status).toBe(503);
    expect(ready.json.problems).toHaveProperty('api keys');
  });
});
