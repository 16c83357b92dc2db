import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { systemClock } from '@grapnel/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptResult } from '../ports.ts';
import { DEFAULT_RESOLVER, NameResolver } from './name-resolver.ts';
import { targetOf } from './target.ts';
import { UndiciSender } from './undici-sender.ts';

let stack: AsyncDisposableStack;
let sender: UndiciSender;
beforeEach(() => {
  stack = new AsyncDisposableStack();
  const egress = { allowLocal: true, connectTimeoutMs: 5_000, ca: null };
  sender = stack.use(new UndiciSender(egress, new NameResolver(DEFAULT_RESOLVER), systemClock));
});
afterEach(() => stack.disposeAsync());

/** Posts to somebody who takes a request and then does this. */
async function answeredBy(answer: (socket: Socket) => void, scheme = 'http'): Promise<AttemptResult> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const target = targetOf(new URL(`${scheme}://127.0.0.1:${port}/`));
  const result = await sender.send({ target, headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 });
  server.close();
  return result;
}

const saying = (text: string) => answeredBy((socket) => socket.end(text, 'latin1'));
const INVALID = { result: { kind: 'no_response', code: 'INVALID_RESPONSE' }, error: { code: 'INVALID_RESPONSE' } };

describe('what comes back from an endpoint', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a status that there is not', 'HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n'],
    ['an upgrade that was not asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['a head that is too long', `HTTP/1.1 200 OK\r\n${`X-${'x'.repeat(100)}: y\r\n`.repeat(200)}\r\n`],
    ['a request to go on that was not asked for', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ])('is not valid HTTP: %s', async (_what, text) => {
    const failed = await saying(text);
    expect(failed).toMatchObject(INVALID);
    expect(failed.error?.message).toBe('The response is not valid HTTP');
  });

  it('may be preceded by a few 1xx, not by any number of them', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const answer = 'HTTP/1.1 204 No Content\r\n\r\n';
    expect(await saying(hint.repeat(3) + answer)).toMatchObject({ result: { kind: 'response', status: 204 } });
    expect(await saying(hint.repeat(100) + answer)).toMatchObject(INVALID);
    const endless = await answeredBy((socket) => {
      const more = (): void => void socket.write(hint.repeat(100), 'latin1', (error) => error ?? setImmediate(more));
      more();
    });
    expect(endless).toMatchObject(INVALID);
  });

  it.each([
    ['blank lines before it', '', '\r\n'.repeat(30_000), INVALID],
    ['a reason that does not end', 'HTTP/1.1 200 ', 'x'.repeat(60_000), INVALID],
    [
      'a chunk that does not begin',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;',
      'x'.repeat(60_000),
      { result: { kind: 'response', status: 200 }, error: null },
    ],
  ])('is not read for ever: %s', async (_what, first, endless, expected) => {
    const ended = await answeredBy((socket) => {
      socket.write(first, 'latin1');
      const more = (): void => void socket.write(endless, 'latin1', (error) => error ?? setTimeout(more, 5));
      more();
    });
    expect(ended).toMatchObject(expected);
  });

  it('tells how long to wait, wherever among its headers, and the first time that it says so', async () => {
    const many = Array.from({ length: 60 }, (_, n) => `X-${n}: y\r\n`).join('');
    const head = `HTTP/1.1 429 Slow Down\r\n${many}Retry-After: 500\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n`;
    const { response } = await saying(head);
    expect(response?.headers['retry-after']).toBe('500');
  });

  it('is no TLS: said in words, without what OpenSSL says to its programmers', async () => {
    const { error } = await answeredBy((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'), 'https');
    expect(error).toEqual({ code: 'TLS_FAILED', message: expect.stringMatching(/^TLS failed: [a-z0-9 ]+$/) });
  });
});
