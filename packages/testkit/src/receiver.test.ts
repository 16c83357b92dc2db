import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Receiver } from './receiver.ts';

let receiver: Receiver;

beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

const post = (path: string, body = '{}', signal = AbortSignal.timeout(5_000)) =>
  fetch(receiver.url(path), { method: 'POST', body, signal });

describe('Receiver', () => {
  it('records a request as it was sent', async () => {
    await new Promise<void>((resolve, reject) => {
      const options = { method: 'POST', headers: ['X-Twice', 'a', 'x-twice', 'b', 'Host', 'h'] };
      const sent = httpRequest(receiver.url('/hook?x=1'), options as object, (response) => {
        response.resume().on('end', resolve);
      });
      sent.on('error', reject).end('{"n":1}');
    });
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/hook?x=1', path: '/hook' });
    expect(request?.headers.slice(0, 2)).toEqual([
      ['X-Twice', 'a'],
      ['x-twice', 'b'],
    ]);
    expect(request?.header('x-TWICE')).toBe('a');
    expect(request?.json()).toEqual({ n: 1 });
  });

  it('answers by path, by sequence and by function', async () => {
    receiver.respond({ status: 204 });
    receiver.respond((request) => ({ status: 201, body: request.text() }), '/echo');
    receiver.sequence('/echo', [{ status: 500 }, { status: 503, headers: { 'retry-after': '1' } }]);
    expect((await post('/other')).status).toBe(204);
    const answers = [await post('/echo'), await post('/echo'), await post('/echo', 'me')];
    expect(answers.map((answer) => answer.status)).toEqual([500, 503, 201]);
    expect(answers[1]?.headers.get('retry-after')).toBe('1');
    expect(await answers[2]?.text()).toBe('me');
  });

  it('waits for a number of requests and for a particular one', async () => {
    const three = receiver.waitFor(3, { path: '/a' });
    const special = receiver.waitFor((request) => request.text() === 'special');
    await Promise.all([post('/a'), post('/a'), post('/b', 'special'), post('/a')]);
    expect(await three).toHaveLength(3);
    expect((await special).path).toBe('/b');
    await expect(receiver.waitFor(9, { timeoutMs: 20 })).rejects.toThrow('no 9 requests within 20 ms; there were 4');
  });

  it('knows the most requests in flight on a path', async () => {
    receiver.respond({ delayMs: 60 }, '/slow');
    await Promise.all([post('/slow'), post('/slow'), post('/slow')]);
    await post('/slow');
    expect([receiver.highWater('/slow'), receiver.highWater('/none')]).toEqual([3, 0]);
  });

  it('hangs, resets, redirects, drips and floods', async () => {
    receiver.respond({ mode: 'hang' }, '/hang');
    await expect(post('/hang', '', AbortSignal.timeout(50))).rejects.toThrow('timeout');
    receiver.respond({ mode: 'reset' }, '/reset');
    await expect(post('/reset')).rejects.toMatchObject({
      cause: { code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) },
    });
    receiver.respond({ mode: 'reset', after: 'headers' }, '/cut');
    const cut = await post('/cut');
    await expect(cut.text()).rejects.toThrow('terminated');
    receiver.respond({ mode: 'redirect', location: '/elsewhere', status: 307 }, '/move');
    const moved = await fetch(receiver.url('/move'), { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([307, '/elsewhere']);
    receiver.respond({ mode: 'drip', bytes: 3, intervalMs: 5 }, '/drip');
    expect(await (await post('/drip')).text()).toBe('...');
    receiver.respond({ mode: 'huge', bytes: 1_000_000 }, '/huge');
    expect((await (await post('/huge')).arrayBuffer()).byteLength).toBe(1_000_000);
  });

  it('does not record a request that was cut off', async () => {
    const socket = connect(receiver.port, '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.write('POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhal', () => resolve());
    });
    socket.resetAndDestroy();
    await post('/whole');
    expect(receiver.requests.map((request) => request.path)).toEqual(['/whole']);
  });

  it('stops although connections hang', async () => {
    receiver.respond({ mode: 'hang' });
    const hanging = post('/').catch(() => 'cut');
    await receiver.waitFor(1);
    await receiver.stop();
    expect(await hanging).toBe('cut');
    receiver = await Receiver.start();
  });
});
