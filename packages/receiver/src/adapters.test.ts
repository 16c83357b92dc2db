import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { statusOf } from './answer.ts';
import { expressHandler } from './express.ts';
import { fastifyWebhook } from './fastify.ts';
import { receiveRequest } from './fetch.ts';
import { type GroupGmEvent, groupGmReceiver } from './groupgm.ts';
import { hexHmac, SECRET } from './signing.fixture.ts';

const never = (): void => expect.unreachable('called with what was not verified');
const receiver = groupGmReceiver({ secret: SECRET });
// Two spaces and a raw umlaut: parsed and printed again it would be other bytes.
const body = '{"event":"member.joined",  "timestamp":"2025-01-15T08:30:00Z","data":{"channelId":"Ä"}}';
const signed = { 'content-type': 'application/json', 'x-webhook-signature': hexHmac(body) };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

function post(url: string, headers: Record<string, string> = signed, content: string = body): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: content });
}

describe('expressHandler', () => {
  async function listen(configure: (app: express.Express) => void): Promise<string> {
    const app = express();
    configure(app);
    app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(500).send(error.message);
    });
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closing.push(() => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      return closed;
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  }

  it.each<[string, (app: express.Express) => void]>([
    ['no parser', () => undefined],
    ['express.raw()', (app) => app.use(express.raw({ type: '*/*' }))],
    ['express.text()', (app) => app.use(express.text({ type: '*/*' }))],
    [
      'express.json() that keeps the bytes',
      (app) => {
        app.use(express.json({ verify: (request, _response, bytes) => Object.assign(request, { rawBody: bytes }) }));
      },
    ],
  ])('GG-04 passes on verified events behind %s', async (_name, configure) => {
    const events: GroupGmEvent[] = [];
    const url = await listen((app) => {
      configure(app);
      app.post(
        '/hook',
        expressHandler(receiver, (event) => events.push(event)),
      );
    });
    expect((await post(url)).status).toBe(204);
    expect(events).toMatchObject([{ type: 'member.joined', data: { channelId: 'Ä' } }]);
    const refusedOne = await post(url, { ...signed, 'x-webhook-signature': hexHmac('other') });
    expect([refusedOne.status, await refusedOne.json()]).toEqual([401, { error: 'not accepted: mismatch' }]);
    expect(events).toHaveLength(1);
  });

  it('says what to do when the body has been parsed before', async () => {
    const url = await listen((app) => {
      app.use(express.json());
      app.post('/hook', expressHandler(receiver, never));
    });
    const answer = await post(url);
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('before express.json()')]);
  });

  it('leaves the answer to the handler, and its errors to Express', async () => {
    const url = await listen((app) => {
      app.post(
        '/hook',
        expressHandler(receiver, (event, request: express.Request, response: express.Response) => {
          if (request.query['fail'] !== undefined) throw new Error('no room');
          response.status(202).json({ type: event.type });
        }),
      );
    });
    const answer = await post(url);
    expect([answer.status, await answer.json()]).toEqual([202, { type: 'member.joined' }]);
    const failed = await post(`${url}?fail`);
    expect([failed.status, await failed.text()]).toEqual([500, 'no room']);
  });

  it('answers 413 to a body that does not end', async () => {
    const url = await listen((app) => {
      app.post('/hook', expressHandler(receiver, never, { maxBodyBytes: 1_000 }));
    });
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(url, { method: 'POST' }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('x'.repeat(1_001));
    });
    expect(status).toBe(413);
  });

  it('notices a request that breaks off', async () => {
    const noticed = Promise.withResolvers<unknown>();
    const url = await listen((app) => {
      const handler = expressHandler(receiver, never);
      app.post('/hook', (request, response) => handler(request, response, noticed.resolve));
    });
    const request = httpRequest(url, { method: 'POST', headers: { 'content-length': '100' } });
    request.on('error', () => undefined);
    request.write('x', () => request.destroy());
    expect(await noticed.promise).toBeInstanceOf(Error);
  });
});

describe('fastifyWebhook', () => {
  const start = (handle: Parameters<typeof fastifyWebhook<GroupGmEvent>>[0]['handle'], maxBodyBytes = 10_000) => {
    const app = fastify();
    app.post('/other', (request) => request.body);
    void app.register(fastifyWebhook({ url: '/hook', receiver, handle, maxBodyBytes }));
    closing.push(() => app.close());
    return (headers: Record<string, string> = signed, url = '/hook', payload: string = body) =>
      app.inject({ method: 'POST', url, headers, payload });
  };

  it('GG-04 passes on verified events, and answers 204 when the handler has not', async () => {
    const events: GroupGmEvent[] = [];
    const send = start((event) => events.push(event));
    expect((await send()).statusCode).toBe(204);
    expect(events).toMatchObject([{ type: 'member.joined', data: { channelId: 'Ä' } }]);
    const refusedOne = await send({ ...signed, 'x-webhook-signature': hexHmac('other') });
    expect([refusedOne.statusCode, refusedOne.json()]).toEqual([401, { error: 'not accepted: mismatch' }]);
    expect((await send({ 'content-type': 'text/plain' })).statusCode).toBe(401);
    expect(events).toHaveLength(1);
  });

  it('leaves other routes’ bodies alone', async () => {
    const answer = await start(() => undefined)(signed, '/other');
    expect(answer.json()).toMatchObject({ event: 'member.joined' });
  });

  it('leaves the answer to the handler, and its errors to Fastify', async () => {
    const send = start((event, request, reply) => {
      if (request.headers['x-fail'] !== undefined) throw new Error('no room');
      reply.code(202);
      reply.send({ type: event.type });
    });
    const answer = await send();
    expect([answer.statusCode, answer.json()]).toEqual([202, { type: 'member.joined' }]);
    expect((await send({ ...signed, 'x-fail': '1' })).statusCode).toBe(500);
  });

  it('answers 413 to a body that is too large', async () => {
    expect((await start(never, 20)()).statusCode).toBe(413);
  });
});

describe('receiveRequest', () => {
  const request = (content: RequestInit['body'], headers: Record<string, string> = signed): Request =>
    new Request('https://example.com/hook', { method: 'POST', headers, body: content ?? null });

  it('GG-04 makes a verified event of a Request', async () => {
    const received = await receiveRequest(receiver, request(body));
    expect(received).toMatchObject({ valid: true, event: { type: 'member.joined', data: { channelId: 'Ä' } } });
  });

  it('refuses, with a status for each reason', async () => {
    const statuses: number[] = [];
    for (const wrong of [
      request(`${body} `),
      request(null, {}),
      request('[]', { 'x-webhook-signature': hexHmac('[]') }),
    ]) {
      const received = await receiveRequest(receiver, wrong);
      if (!received.valid) statuses.push(statusOf(received.reason));
    }
    expect(statuses).toEqual([401, 401, 400]);
  });

  it('stops reading a body that is too large', async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(600)),
      cancel: () => {
        cancelled = true;
      },
    });
    const received = await receiveRequest(
      receiver,
      { headers: new Headers(signed), body: endless },
      { maxBodyBytes: 1_000 },
    );
    expect(received).toEqual({ valid: false, reason: 'too_large' });
    expect(cancelled).toBe(true);
    expect(statusOf('too_large')).toBe(413);
  });
});
