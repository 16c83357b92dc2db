import { once } from 'node:events';
import { connect } from 'node:net';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { createLogger, type Logger } from '@grapnel/runtime/logger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACME_KEY, startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

let gateway: TestGateway;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  gateway = await startGateway({ logger: capturing(lines) });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const VALID = '{"name":"A","webhook_url":"https://example.com/hook","event_types":["*"]}';

describe('bodies', () => {
  it.each([
    ['{', 2],
    ['{"name":}', 9],
    ['nothing', 1],
    ['{"a":1}}', 8],
    ['\u00ff', 1],
  ])('bad JSON is a 400 that says where: %s', async (raw, column) => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks', { raw });
    expect(status).toBe(400);
    const message = expect.stringMatching(new RegExp(`^is not valid JSON at line 1, column ${column} `)) as string;
    expect(json).toMatchObject({
      error: 'Validation error',
      details: [{ field: 'body', message, code: 'INVALID_VALUE' }],
    });
  });

  it('a body that is compressed is a 415 that says so, in JSON', async () => {
    const { status, json, headers } = await gateway.ask('POST', '/v1/webhooks', {
      raw: VALID,
      headers: { 'content-encoding': 'gzip' },
    });
    expect(status).toBe(415);
    expect(json).toEqual({ success: false, error: expect.stringContaining('Content-Encoding') });
    expect(headers.get('accept-encoding')).toBe('identity');
  });

  it.each([
    ['POST', '/test'],
    ['PUT', '/activate'],
    ['PUT', '/deactivate'],
    ['POST', `/deliveries/dlv_${'a'.repeat(26)}/replay`],
  ])('%s …%s takes no settings: `{}` is nothing, all else is refused', async (method, path) => {
    const target = `/v1/webhooks/${await gateway.create()}${path}`;
    expect((await gateway.ask(method, target, { body: {} })).status).not.toBe(400);
    const { status, json } = await gateway.ask(method, target, { body: { event: 'x' } });
    expect(status).toBe(400);
    expect(json.details).toMatchObject([{ field: 'event', code: 'UNKNOWN_FIELD' }]);
  });

  it('nesting that would exhaust a stack is a 400', async () => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks', {
      raw: `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    });
    expect(status).toBe(400);
    expect(json.message).toBe('body is nested deeper than 64 levels');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'nonsense',
  ])('a body that is %s is a 415', async (type) => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks', {
      raw: VALID,
      headers: { 'content-type': type },
    });
    expect(status).toBe(415);
    expect(json).toEqual({ success: false, error: expect.stringContaining('application/json') });
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])('%s is taken', async (type) => {
    const { status } = await gateway.ask('POST', '/v1/webhooks', { raw: VALID, headers: { 'content-type': type } });
    expect(status).toBe(201);
  });

  it('AnyCrawl’s SDK sends a content type without a body, and is understood', async () => {
    const id = await gateway.create();
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      for (const [method, path] of [
        ['PUT', '/activate'],
        ['PUT', '/deactivate'],
        ['POST', '/test'],
        ['GET', ''],
        ['POST', '/rotate-secret'],
      ] as const) {
        const { status } = await gateway.ask(method, `/v1/webhooks/${id}${path}`, {
          headers: { 'content-type': type },
        });
        expect([method, path, status]).toEqual([method, path, 200]);
      }
    }
    expect(
      (await gateway.ask('DELETE', `/v1/webhooks/${id}`, { headers: { 'content-type': 'application/json' } })).status,
    ).toBe(200);
  });

  it('a body that is too large is a 413', async () => {
    const { status, json } = await gateway.ask('POST', '/v1/webhooks', { raw: `"${'x'.repeat(5_000_000)}"` });
    expect(status).toBe(413);
    expect(json.error).toContain('larger than 4194304 bytes');
    const small = await gateway.ask('POST', '/v1/webhooks/explain', { raw: `"${'x'.repeat(70_000)}"` });
    expect(small.status).toBe(413);
  });
});

describe('answers', () => {
  it('carry what browsers and proxies need to know, and nothing about the server', async () => {
    for (const path of ['/v1/webhooks', '/v1/unknown', '/healthz', '/nowhere']) {
      const { headers } = await gateway.ask('GET', path, { headers: { origin: 'https://evil.example' } });
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
      for (const absent of ['x-powered-by', 'server', 'access-control-allow-origin'])
        expect(headers.get(absent)).toBeNull();
    }
    const preflight = await gateway.ask('OPTIONS', '/v1/webhooks', {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect(preflight.status).toBe(405);
  });

  it('name the request: the caller’s id when it is harmless, else one of ours', async () => {
    const own = await gateway.ask('GET', '/v1/webhooks', { headers: { 'x-request-id': 'req-42' } });
    expect(own.headers.get('x-request-id')).toBe('req-42');
    for (const id of ['a b', 'x'.repeat(65), '"quoted"']) {
      const { headers } = await gateway.ask('GET', '/v1/webhooks', { headers: { 'x-request-id': id } });
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it.each([
    [new RpcError(Code.UNAUTHENTICATED, 'why'), 401, 'why', null],
    [new RpcError(Code.PERMISSION_DENIED, 'why'), 403, 'why', null],
    [new RpcError(Code.ABORTED, 'why'), 409, 'why', null],
    [new RpcError(Code.ABORTED, 'why', { retryAfterMs: 1_500 }), 409, 'why', '2'],
    [new RpcError(Code.FAILED_PRECONDITION, 'why'), 409, 'why', null],
    [new RpcError(Code.ALREADY_EXISTS, 'why'), 409, 'why', null],
    [new RpcError(Code.RESOURCE_EXHAUSTED, 'why', { retryAfterMs: 4_001 }), 429, 'why', '5'],
    [
      new RpcError(Code.UNAVAILABLE, '10.0.0.7:8083 refused'),
      503,
      'The service is temporarily unavailable; try again shortly',
      '1',
    ],
    [new RpcError(Code.DEADLINE_EXCEEDED, 'inside'), 504, 'The service did not answer in time', null],
    [new RpcError(Code.INTERNAL, 'inside'), 500, 'Internal server error', null],
    [new RpcError(Code.UNIMPLEMENTED, 'inside'), 500, 'Internal server error', null],
    [new RpcError(Code.DATA_LOSS, 'inside'), 500, 'Internal server error', null],
  ])('%s from behind becomes %i', async (failure, status, error, retryAfter) => {
    gateway.ingest.failure = failure;
    const answer = await gateway.ask('POST', '/v1/events', { body: { type: 'crawl.page', data: 1 } });
    gateway.ingest.failure = null;
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ success: false, error });
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
  });

  it('AC-04 an INVALID_ARGUMENT without fields still has the form', async () => {
    gateway.ingest.failure = new RpcError(Code.INVALID_ARGUMENT, 'no good');
    const { status, json } = await gateway.ask('POST', '/v1/events', { body: { type: 'crawl.page', data: 1 } });
    gateway.ingest.failure = null;
    expect(status).toBe(400);
    expect(json).toEqual({ success: false, error: 'Validation error', message: 'no good', details: [] });
  });

  it('are JSON even for what never reaches a route', async () => {
    const badUrl = await gateway.ask('GET', '/v1/webhooks/%zz');
    expect(badUrl.status).toBe(400);
    expect(badUrl.json).toEqual({ success: false, error: 'The URL is malformed' });
    const nowhere = await gateway.ask('GET', '/nowhere', { key: null });
    expect(nowhere.status).toBe(404);
    expect(nowhere.json).toEqual({ success: false, error: 'Not found' });
    const raw = await rawExchange(gateway.url, 'NONSENSE\r\n\r\n');
    expect(raw).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(raw).toContain('{"success":false,"error":"Bad request"}');
    for (const size of [17_000, 40_000, 100_000]) {
      const large = await rawExchange(gateway.url, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(size)}\r\n\r\n`);
      expect(large).toMatch(/^HTTP\/1\.1 431 /);
      expect(large).toContain('{"success":false,"error":"The URL and headers of the request are too large');
    }
  });

  it.each([
    ['DELETE', '/v1/events', 'POST'],
    ['GET', '/v1/events', 'POST'],
    ['PATCH', '/v1/webhooks', 'GET, HEAD, POST'],
    ['POST', '/v1/webhooks/wh_x', 'DELETE, GET, HEAD, PUT'],
    ['HEAD', '/v1/deliveries/tail', 'GET'],
    ['DELETE', '/healthz', 'GET, HEAD'],
    ['POST', '/docs/', 'GET, HEAD'],
  ])('%s %s is a 405 that says what there is', async (method, path, allow) => {
    const { status, headers } = await gateway.ask(method, path);
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  it('point from / to what there is, and answer HEAD where there is GET', async () => {
    expect((await gateway.ask('GET', '/', { key: null })).json).toEqual({
      name: 'Grapnel',
      docs: '/docs',
      openapi: '/openapi.json',
      api: '/v1',
    });
    for (const path of ['/', '/docs/', '/openapi.json', '/healthz']) {
      const { status, text } = await gateway.ask('HEAD', path, { key: null });
      expect([path, status, text]).toEqual([path, 200, '']);
    }
    const docs = await fetch(`${gateway.url}/docs`, { method: 'HEAD' });
    expect(docs.status).toBe(200);
  });
});

describe('traces and logs', () => {
  it('pass the caller’s trace on to the services behind', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await gateway.ask('GET', '/v1/webhooks', { headers: { traceparent } });
    expect(gateway.webhooks.lastCall?.traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
    await gateway.ask('GET', '/v1/webhooks', { headers: { traceparent: 'nonsense' } });
    expect(gateway.webhooks.lastCall?.traceparent).toBeNull();
  });

  it('AC-05 write no secret, body, key or raw path into the log', async () => {
    const id = await gateway.create({
      custom_headers: { Authorization: 'Bearer customers-own' },
      metadata: { m: 'private-word' },
    });
    const rotated = await gateway.ask('POST', `/v1/webhooks/${id}/rotate-secret`);
    await gateway.ask('POST', '/v1/webhooks', { raw: '{"name":"private-word"' });
    await gateway.ask('POST', '/v1/webhooks', { body: { name: 'private-word', secret: 'private-word' } });
    gateway.ingest.failure = new RpcError(Code.INTERNAL, 'broken');
    await gateway.ask('POST', '/v1/events', { body: { type: 'crawl.page', data: 'private-word' } });
    gateway.ingest.failure = null;
    const log = JSON.stringify(lines);
    for (const word of [ACME_KEY, 'customers-own', 'private-word', rotated.json.data.secret, 'a-service-token']) {
      expect(log).not.toContain(word);
    }
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'request',
        method: 'POST',
        route: '/v1/webhooks/:webhookId/rotate-secret',
        status: 200,
        tenant: 'acme',
      }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'a request failed', status: 500 }));
  });
});

describe('operations', () => {
  it("AC-01 /health is what AnyCrawl's clients ask first, without a key", async () => {
    expect(await (await fetch(`${gateway.url}/health`)).json()).toEqual({ status: 'ok' });
  });

  it.each(['/healthz', '/readyz', '/metrics'])('%s is on both ports and needs no key', async (path) => {
    for (const base of [gateway.url, gateway.opsUrl]) expect((await fetch(`${base}${path}`)).status).toBe(200);
  });

  it('a port in use is one clear sentence', async () => {
    const { port } = new URL(gateway.url);
    await expect(startGateway({ env: { GATEWAY_PORT: port } })).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
  });
});

function capturing(into: Record<string, unknown>[]): Logger {
  const logger = createLogger({ service: 'gateway', level: 'trace' });
  // pino's own stream symbol: what would go to standard error is kept for the test.
  const stream = Object.getOwnPropertySymbols(logger).find((symbol) => symbol.description === 'pino.stream');
  if (stream === undefined) throw new Error('pino has changed');
  (logger as unknown as Record<symbol, unknown>)[stream] = { write: (line: string) => into.push(JSON.parse(line)) };
  return logger;
}

async function rawExchange(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.write(request);
  await once(socket, 'close');
  return answer;
}
