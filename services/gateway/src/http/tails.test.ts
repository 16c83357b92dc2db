import { Code, RpcError } from '@grapnel/rpc/errors';
import { eventually } from '@grapnel/testkit/eventually';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACME_KEY, OTHER_KEY, startGateway, type TestGateway } from '../testing/gateway.test-support.ts';
import { HEARTBEAT_MS } from './sse.ts';

let gateway: TestGateway;
let webhook: string;
const clock = new FakeClock();
beforeEach(async () => {
  gateway = await startGateway({ clock, env: { GATEWAY_MAX_TAILS_PER_TENANT: '2', GATEWAY_MAX_TAILS: '3' } });
  webhook = await gateway.create();
});
afterEach(() => gateway[Symbol.asyncDispose]());

interface Tail extends AsyncDisposable {
  readonly response: Response;
  text: string;
  ended: boolean;
  close(): void;
}

async function open(path: string, headers: Record<string, string> = {}, key = ACME_KEY): Promise<Tail> {
  const aborter = new AbortController();
  const response = await fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal: aborter.signal,
  });
  const tail: Tail = {
    response,
    text: '',
    ended: false,
    close: () => aborter.abort(),
    [Symbol.asyncDispose]: async () => aborter.abort(),
  };
  const read = async () => {
    for await (const chunk of response.body ?? []) tail.text += Buffer.from(chunk).toString();
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      tail.ended = true;
    });
  return tail;
}

const opened = (count: number) => eventually(() => gateway.history.openTails === count);
const ID = `dlv_${'a'.repeat(26)}`;

describe('a live tail', () => {
  it('sends each change as an event with a cursor for an id', async () => {
    await using tail = await open('/v1/deliveries/tail');
    expect(tail.response.status).toBe(200);
    expect(tail.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(tail.response.headers.get('cache-control')).toBe('no-store');
    await opened(1);
    expect(gateway.history.lastTail).toMatchObject({ webhookId: '', afterCursor: 0n });
    gateway.history.happened(9_007_199_254_740_993n, gateway.history.add('acme', webhook, ID));
    await eventually(() => tail.text.includes('id: '));
    const [preamble = '', event = ''] = tail.text.split('\n\n');
    expect(preamble).toMatch(/^retry: \d+\n: connected$/);
    const [id, name, data, ...rest] = event.split('\n');
    expect([id, name, rest]).toEqual(['id: 9007199254740993', 'event: delivery', []]);
    expect(JSON.parse(data?.replace(/^data: /, '') ?? '')).toMatchObject({
      cursor: '9007199254740993',
      uuid: ID,
      status: 'delivered',
      webhook_subscription_uuid: webhook,
    });
  });

  it('resumes after Last-Event-ID, which wins over the cursor', async () => {
    await using one = await open(`/v1/webhooks/${webhook}/deliveries/tail?cursor=5`, { 'last-event-id': '77' });
    expect(one.response.status).toBe(200);
    await opened(1);
    expect(gateway.history.lastTail).toMatchObject({ webhookId: webhook, afterCursor: 77n });
    await using two = await open(`/v1/webhooks/${webhook}/deliveries/tail?cursor=5`);
    expect(two.response.status).toBe(200);
    await opened(2);
    expect(gateway.history.lastTail).toMatchObject({ afterCursor: 5n });
  });

  it.each(['abc', '-1', '1.5', '99999999999999999999', '9999999999999999999'])('refuses the id %s', async (id) => {
    const answers = [
      await gateway.ask('GET', '/v1/deliveries/tail', { headers: { 'last-event-id': id } }),
      await gateway.ask('GET', `/v1/deliveries/tail?cursor=${id}`),
    ];
    for (const { status, json } of answers) {
      expect(status).toBe(400);
      expect(json.details).toHaveLength(1);
    }
  });

  it('answers 404 for a webhook that is not there', async () => {
    const { status, json } = await gateway.ask('GET', `/v1/webhooks/wh_${'0'.repeat(26)}/deliveries/tail`);
    expect(status).toBe(404);
    expect(json.error).toBe('Webhook not found');
  });

  it('comments every 15 seconds, so that nobody takes it for dead', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    await eventually(() => tail.text.includes(': connected'));
    for (let beats = 1; beats <= 3; beats++) {
      await eventually(() => clock.pending > 0);
      await clock.advance(HEARTBEAT_MS);
      await eventually(() => expect(tail.text.split(': heartbeat\n\n')).toHaveLength(beats + 1));
    }
  });

  it('ends with its API key', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    gateway.keys.revoke(ACME_KEY);
    await eventually(async () => (await gateway.ask('GET', '/v1/webhooks')).status === 401);
    await clock.advance(HEARTBEAT_MS);
    await eventually(() => expect(tail.ended).toBe(true));
    await opened(0);
  });

  it('ends with its API key also where events come more often than heartbeats', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    gateway.keys.revoke(ACME_KEY);
    await eventually(async () => (await gateway.ask('GET', '/v1/webhooks')).status === 401);
    gateway.history.happened(1n, gateway.history.add('acme', webhook, ID));
    await eventually(() => expect(tail.ended).toBe(true));
    expect(tail.text).not.toContain('id: ');
    await opened(0);
  });

  it('gives its place back when the client goes, and is refused when too many are open', async () => {
    const first = await open('/v1/deliveries/tail');
    await using second = await open('/v1/deliveries/tail');
    expect(second.response.status).toBe(200);
    await opened(2);
    const third = await gateway.ask('GET', '/v1/deliveries/tail');
    expect(third.status).toBe(429);
    expect(third.json.success).toBe(false);
    expect(third.headers.get('retry-after')).toBe('5');
    await using others = await open('/v1/deliveries/tail', {}, OTHER_KEY);
    expect(others.response.status).toBe(200);
    await opened(3);
    // All places are taken, though this tenant has one left.
    expect((await gateway.ask('GET', '/v1/deliveries/tail', { key: OTHER_KEY })).status).toBe(429);
    first.close();
    await opened(2);
    await using again = await open('/v1/deliveries/tail');
    expect(again.response.status).toBe(200);
  });

  it('ends when the history breaks off, so that the client comes back', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    gateway.history.breakTails(new RpcError(Code.UNAVAILABLE, 'away'));
    await eventually(() => tail.ended);
    expect(tail.text).toMatch(/^retry: 3000\n/);
  });

  it('does not hold up a stop', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    await gateway[Symbol.asyncDispose]();
    await eventually(() => expect(tail.ended).toBe(true));
  });

  it('keeps order and loses nothing when the reader is slow', async () => {
    await using tail = await open('/v1/deliveries/tail');
    await opened(1);
    const delivery = gateway.history.add('acme', webhook, ID, { errorMessage: 'x'.repeat(1_000) });
    for (let cursor = 1n; cursor <= 2_000n; cursor++) gateway.history.happened(cursor, delivery);
    await eventually(() => tail.text.includes('id: 2000\n'));
    const ids = [...tail.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
  });
});
