import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@grapnel/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_RESOLVER, NameResolver } from './name-resolver.ts';
import { targetOf } from './target.ts';
import { UndiciSender } from './undici-sender.ts';

describe('connections to endpoints', () => {
  let server: Server;
  let sender: UndiciSender;
  let origin: string;
  let sockets: number;
  let answer: (response: ServerResponse) => void;
  beforeEach(async () => {
    sockets = 0;
    answer = (response) => response.end('ok');
    server = createServer((request, response) => request.resume().on('end', () => answer(response)));
    server.on('connection', () => sockets++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const egress = { allowLocal: true, connectTimeoutMs: 5_000, ca: null };
    sender = new UndiciSender(egress, new NameResolver(DEFAULT_RESOLVER), systemClock);
  });
  afterEach(async () => {
    await sender[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const send = (path = '/', deadlineMs = 5_000) =>
    sender.send({ target: targetOf(new URL(path, origin)), headers: {}, body: Buffer.from('{}'), deadlineMs });

  it('are used again, whatever the path', async () => {
    for (const path of ['/a', '/b', '/c']) {
      expect((await send(path)).result).toEqual({ kind: 'response', status: 200 });
    }
    expect(sockets).toBe(1);
  });

  it('carry one request each at a time', async () => {
    const waiting: ServerResponse[] = [];
    answer = (response) => void waiting.push(response);
    const sent = Array.from({ length: 5 }, () => send());
    await expect.poll(() => waiting.length).toBe(5);
    for (const response of waiting) response.end();
    await Promise.all(sent);
    expect(sockets).toBe(5);
    answer = (response) => response.end();
    await Promise.all(Array.from({ length: 5 }, () => send()));
    expect(sockets).toBe(5);
  });

  it('are not used again after an answer that was not read to its end', async () => {
    answer = (response) => response.end(Buffer.alloc(1_000_000, 'x'));
    expect((await send()).result).toEqual({ kind: 'response', status: 200 });
    answer = (response) => response.end('next');
    expect((await send()).response?.body).toBe('next');
    expect(sockets).toBe(2);
  });

  it('are not used again after a time-out: a late answer is nobody’s', async () => {
    let late: ServerResponse | undefined;
    answer = (response) => void (late = response);
    expect((await send('/', 100)).result).toEqual({ kind: 'no_response', code: 'ETIMEDOUT' });
    answer = (response) => response.end('mine');
    late?.end('late');
    expect((await send()).response?.body).toBe('mine');
    expect(sockets).toBe(2);
  });

  it('are made anew when the other side has closed them', async () => {
    answer = (response) => {
      response.setHeader('Connection', 'close');
      response.end();
    };
    for (let i = 0; i < 3; i++) expect((await send()).result).toEqual({ kind: 'response', status: 200 });
    expect(sockets).toBe(3);
  });
});
