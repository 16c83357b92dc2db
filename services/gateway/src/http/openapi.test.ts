import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of any shape is what is tested
type Document = any;
let gateway: TestGateway;
let document: Document;
beforeAll(async () => {
  gateway = await startGateway();
  document = (await gateway.ask('GET', '/openapi.json', { key: null })).json;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ROUTES = [
  'DELETE /v1/triggers/{triggerId}',
  'DELETE /v1/webhooks/{webhookId}',
  'GET /v1/account',
  'GET /v1/deliveries',
  'GET /v1/deliveries/tail',
  'GET /v1/executions/{executionId}',
  'GET /v1/replays',
  'GET /v1/replays/{replayId}',
  'GET /v1/triggers',
  'GET /v1/triggers/{triggerId}',
  'GET /v1/triggers/{triggerId}/executions',
  'GET /v1/webhook-events',
  'GET /v1/webhooks',
  'GET /v1/webhooks/{webhookId}',
  'GET /v1/webhooks/{webhookId}/deliveries',
  'GET /v1/webhooks/{webhookId}/deliveries/tail',
  'GET /v1/webhooks/{webhookId}/deliveries/{deliveryId}',
  'GET /v1/webhooks/{webhookId}/endpoint',
  'GET /v1/webhooks/{webhookId}/statistics',
  'POST /v1/account/rotate-secret',
  'POST /v1/events',
  'POST /v1/jobs/{jobId}/webhooks',
  'POST /v1/replays/{replayId}/cancel',
  'POST /v1/templates/preview',
  'POST /v1/triggers',
  'POST /v1/triggers/parse-sample',
  'POST /v1/triggers/{triggerId}/rotate-url',
  'POST /v1/webhooks',
  'POST /v1/webhooks/explain',
  'POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/replay',
  'POST /v1/webhooks/{webhookId}/replay',
  'POST /v1/webhooks/{webhookId}/rotate-secret',
  'POST /v1/webhooks/{webhookId}/test',
  'PUT /v1/triggers/{triggerId}',
  'PUT /v1/triggers/{triggerId}/disable',
  'PUT /v1/triggers/{triggerId}/enable',
  'PUT /v1/webhooks/{webhookId}',
  'PUT /v1/webhooks/{webhookId}/activate',
  'PUT /v1/webhooks/{webhookId}/deactivate',
];

function operations(): [string, Document][] {
  return Object.entries<Document>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Document>(methods).map(([method, operation]): [string, Document] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('has every route, and only routes that exist', async () => {
    expect(
      operations()
        .map(([route]) => route)
        .toSorted(),
    ).toEqual(ROUTES);
  });

  it.each(ROUTES)('tells the truth about %s: it exists', async (route) => {
    const [method = '', path = ''] = route.split(' ');
    // A query that no route takes: what answers is the route's own check, not the 404 of unknown paths.
    const { json } = await gateway.ask(method, `${path.replaceAll(/\{\w+\}/g, 'x')}?cursor=a&cursor=b`);
    expect(json?.error).not.toBe('Not found');
  });

  it.each(ROUTES)('describes %s in full', (route) => {
    const operation = new Map(operations()).get(route);
    expect(operation.summary).toMatch(/^[A-Z]/);
    expect(operation.description).toMatch(/^[A-Z`].*\.$/s);
    for (const { name, description } of operation.parameters ?? []) {
      expect([name, description]).toEqual([name, expect.stringMatching(/\.$/)]);
    }
    for (const { example } of Object.values<Document>(operation.requestBody?.content ?? {})) {
      expect(example).toBeDefined();
    }
    expect(operation.tags).toHaveLength(1);
    expect(operation.security).toEqual([{ apiKey: [] }]);
    for (const status of ['401', '429', '500', '503', '504']) {
      const { schema } = operation.responses[status].content['application/json'];
      expect(schema).toEqual({ $ref: '#/components/schemas/Problem' });
    }
    const descriptions = Object.values<Document>(operation.responses).map(({ description }) => description);
    expect(descriptions.every((text: string) => /^[A-Z].{5,}\.$/.test(text))).toBe(true);
    expect(Object.keys(operation.responses).filter((status) => status.startsWith('2'))).toHaveLength(1);
  });

  it('names each operation once and says how to authenticate', () => {
    expect(new Set(operations().map(([, { operationId }]) => operationId)).size).toBe(ROUTES.length);
    expect(document.security).toEqual([{ apiKey: [] }]);
    expect(document.components.securitySchemes.apiKey).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('ST-08 shows every form of an event, and no body where none is taken', () => {
    expect(Object.keys(document.paths['/v1/events'].post.requestBody.content)).toEqual([
      ...['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'],
    ]);
    expect(document.paths['/v1/webhooks/{webhookId}/activate'].put.requestBody).toBeUndefined();
  });

  it('gives examples that its own schemas take', async () => {
    for (const path of ['/v1/webhooks', '/v1/events', '/v1/webhooks/explain']) {
      const { example } = document.paths[path].post.requestBody.content['application/json'];
      expect((await gateway.ask('POST', path, { body: example })).status).toBeLessThan(300);
    }
  });

  it('AC-02 carries the bounds that are enforced', () => {
    const schema = document.components.schemas['CreateWebhookInput'];
    expect(schema.required.toSorted()).toEqual(['event_types', 'name', 'webhook_url']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.examples).toHaveLength(1);
    expect(schema.properties).toMatchObject({
      name: { minLength: 1, maxLength: 255 },
      event_types: { minItems: 1 },
      scope: { enum: ['all', 'specific'], default: 'all' },
      timeout_seconds: { type: 'integer', minimum: 1, maximum: 60, default: 10 },
      max_retries: { type: 'integer', minimum: 0, maximum: 10, default: 3 },
      retry_backoff_multiplier: { type: 'number', minimum: 1, maximum: 10, default: 2 },
      custom_headers: { type: 'object', maxProperties: 20 },
      metadata: { type: 'object' },
    });
    const rotate = document.paths['/v1/webhooks/{webhookId}/rotate-secret'].post;
    expect(rotate.requestBody.required).toBe(false);
    const update = document.components.schemas['UpdateWebhookInput'];
    expect(update.required ?? []).toEqual([]);
  });

  it('leaves answers open for new fields, and refers to nothing that is missing', () => {
    expect(document.components.schemas['Webhook'].additionalProperties).toBeUndefined();
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(document.components.schemas).toHaveProperty([name]);
    }
    expect(text).not.toContain('PLACEHOLDER');
  });

  it('shows query parameters as what they are', () => {
    const { parameters } = document.paths['/v1/webhooks/{webhookId}/deliveries'].get;
    const byName = Object.fromEntries(parameters.map((one: Document) => [one.name, one]));
    expect(byName['limit']).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
    });
    expect(byName['status'].schema.enum).toHaveLength(5);
    expect(byName['webhookId']).toMatchObject({ in: 'path', required: true });
  });
});

describe('/docs', () => {
  it('shows it and loads nothing from anywhere else', async () => {
    const page = await gateway.ask('GET', '/docs/', { key: null });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const sources = [...page.text.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, source]) => source);
    expect(sources).toEqual(['js/scalar.js']);
    expect(page.text).not.toMatch(/https?:\/\/(?!localhost)/);
    expect(page.text).toContain('/openapi.json');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toMatch(/script-src 'self' 'sha256-[\w+/=]+'(;|$)/);
    expect(policy).not.toMatch(/https?:/);

    const script = await gateway.ask('GET', '/docs/js/scalar.js', { key: null });
    expect(script.status).toBe(200);
    expect(script.headers.get('content-type')).toContain('javascript');
    const redirected = await gateway.ask('GET', '/docs', { key: null });
    expect(redirected.status).toBe(301);
    expect(redirected.headers.get('location')).toBe('/docs/');
  });
});
