import { afterAll, beforeAll, expect, it } from 'vitest';
import { newTenant, until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';
import { TestTrigger } from '../support/triggers.ts';

/** More than one tenant may have under way at once. */
const CALLS = 300;

let platform: Platform;
let otherKey: string;
beforeAll(async () => {
  platform = await Platform.start();
  otherKey = (await newTenant(platform.subscription)).apiKey;
  await until(
    'the gateway knows the new key',
    async () => (await platform.call('GET', '/v1/triggers', undefined, otherKey)).status === 200,
  );
}, 60_000);
afterAll(() => platform[Symbol.asyncDispose]());

/** Requests to `path` are answered when `release` is called. */
function holding(path: string) {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  platform.receiver.respond(() => promise.then(() => ({ status: 200 })), path);
  return { url: platform.receiver.url(path), asked: () => platform.receiver.requestsTo(path), release };
}

async function allExecutions(trigger: TestTrigger): Promise<{ readonly status: string }[]> {
  const all = [];
  let cursor = '';
  do {
    const { data, meta } = await trigger.executions(`?limit=100${cursor}`);
    all.push(...data);
    cursor = meta.next_cursor === null ? '' : `&cursor=${meta.next_cursor}`;
  } while (cursor !== '');
  return all;
}

it('NB-07 flows of one tenant whose requests are not answered keep nobody else waiting, and all are run in the end', async () => {
  const held = holding('/held');
  const slow = await TestTrigger.create(platform, {
    steps: [{ type: 'call_out', url: held.url, timeout_seconds: 30 }],
  });
  await Promise.all(Array.from({ length: CALLS }, (_, n) => slow.call({ n })));
  await until('as many requests as one tenant may have', () => held.asked().length > 64);

  const other = await TestTrigger.create(platform, { steps: [{ type: 'end' }] }, otherKey);
  await other.call();
  await other.ended(1);
  const meanwhile = await allExecutions(slow);
  expect(meanwhile.filter(({ status }) => status !== 'running')).toEqual([]);
  expect(held.asked().length).toBeLessThan(CALLS);

  held.release();
  await until(
    'all have ended',
    async () => (await allExecutions(slow)).filter(({ status }) => status === 'completed').length === CALLS,
    60_000,
  );
  const keys = held.asked().map((request) => request.header('idempotency-key'));
  expect([keys.length, new Set(keys).size]).toEqual([CALLS, CALLS]);
}, 120_000);

it('NB-08 callers of one tenant who wait long leave room for others', async () => {
  const held = holding('/waited-for');
  const slow = await TestTrigger.create(platform, {
    mode: 'synchronous',
    timeout_seconds: 60,
    steps: [{ type: 'call_out', url: held.url, timeout_seconds: 30, on_failure: 'continue' }],
  });
  const waiting = Array.from({ length: CALLS }, (_, n) => slow.call({ n }));
  const refused = await Promise.race(waiting);
  expect(refused.status).toBe(429);

  const steps = [{ type: 'response', body: 'here' }];
  const other = await TestTrigger.create(platform, { mode: 'synchronous', steps }, otherKey);
  const { status, text } = await other.call();
  expect([status, text]).toEqual([200, 'here']);
  held.release();
  const statuses = (await Promise.all(waiting)).map((answer) => answer.status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
}, 60_000);
