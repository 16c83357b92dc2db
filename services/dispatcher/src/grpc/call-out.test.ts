import { CallOutService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { openChannel } from '@grapnel/rpc/client';
import { Code } from '@grapnel/rpc/errors';
import { startRpcServer } from '@grapnel/rpc/server';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { SharedPlaces } from '@grapnel/runtime/shared-places';
import { Receiver } from '@grapnel/testkit/receiver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_RESOLVER, NameResolver } from '../attempt/name-resolver.ts';
import { UndiciSender } from '../attempt/undici-sender.ts';
import { callOutService } from './call-out-service.ts';

const TOKEN = 'service-token-of-the-tests';
let stack: AsyncDisposableStack;
let receiver: Receiver;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  receiver = stack.use(await Receiver.start());
});
afterEach(() => stack.disposeAsync());

async function start({ allowLocal = true, guarded = false, places = 4, token = TOKEN } = {}) {
  const egress = { allowLocal: !guarded, connectTimeoutMs: 5_000, ca: null };
  const sender = stack.use(new UndiciSender(egress, new NameResolver(DEFAULT_RESOLVER), systemClock));
  const server = stack.use(
    await startRpcServer({
      host: '127.0.0.1',
      port: 0,
      services: [callOutService({ sender, policy: { allowLocal }, places: new SharedPlaces(places) })],
      authenticate: authenticator(TOKEN, noTenants),
      logger: silentLogger,
    }),
  );
  return stack.use(openChannel({ address: server.address, token })).client(CallOutService);
}

describe('requests of flows', () => {
  it('NB-08 are made as asked, and the answer is handed back', async () => {
    receiver.respond({ status: 418, body: '{"a":1}' }, '/x');
    const client = await start();
    const made = { method: 'PATCH', url: receiver.url('/x?q=1'), headers: { 'X-A': 'b' }, body: Buffer.from('hello') };
    const { status, body, truncated } = await client.callOut({ ...made, timeoutMs: 10_000 });
    expect([status, body, truncated]).toEqual([418, '{"a":1}', false]);
    const [request] = receiver.requestsTo('/x');
    expect([request?.method, request?.url, request?.text()]).toEqual(['PATCH', '/x?q=1', 'hello']);
    expect(request?.header('x-a')).toBe('b');
  });

  it('have a bounded answer and a bounded time', async () => {
    receiver.respond({ mode: 'huge' }, '/huge');
    receiver.respond({ mode: 'drip' }, '/drip');
    const client = await start();
    const huge = await client.callOut({ method: 'GET', url: receiver.url('/huge'), timeoutMs: 20_000 });
    expect([huge.status, huge.truncated, huge.body.length <= 65_536]).toEqual([200, true, true]);
    const slow = await client.callOut({ method: 'GET', url: receiver.url('/drip'), timeoutMs: 500 });
    expect([slow.status, slow.errorCode]).toEqual([0, 'ETIMEDOUT']);
  });

  it('AC-20 do not reach private addresses: refused by what is asked, and again by what is dialled', async () => {
    const url = receiver.url('/secret');
    const asked = (await start({ allowLocal: false })).callOut({ method: 'GET', url, timeoutMs: 5_000 });
    await expect(asked).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: { violations: [{ field: 'url', code: 'FORBIDDEN_ADDRESS' }] },
    });
    const dialled = await start({ guarded: true });
    const refused = await dialled.callOut({ method: 'GET', url, timeoutMs: 5_000 });
    expect([refused.status, refused.errorCode]).toEqual([0, 'PRIVATE_IP_BLOCKED']);
    expect(receiver.requests).toEqual([]);
  });

  it('are for services alone, of known methods, and not too many at once', async () => {
    const url = receiver.url('/');
    const stranger = await start({ token: 'some-tenant-key-0123456789' });
    await expect(stranger.callOut({ method: 'GET', url, timeoutMs: 1_000 })).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
    });
    const client = await start({ places: 0 });
    await expect(client.callOut({ method: 'CONNECT', url, timeoutMs: 70_000 })).rejects.toMatchObject({
      details: { violations: [{ field: 'method' }, { field: 'timeout_ms' }] },
    });
    await expect(client.callOut({ method: 'GET', url, timeoutMs: 1_000 })).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
    });
  });
});
