import { describe, expect, it } from 'vitest';
import { startDispatcher, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';
import { OrderedCustomer } from '../support/ordered-customer.ts';

const STRICT = { ordering: 'strict', maxRetries: 10, retryDelays: { values: [10] } };
const PATIENT_MS = 60_000;

describe('strict order', () => {
  const publish = (line: Line, key: string, count: number, from = 0): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, i) => line.publish('crawl.page', { key, n: from + i }, { jobId: key })),
    );

  it('is kept within a key through retries, whichever replicas make and send the deliveries', async () => {
    await using line = await Line.start({ subscriptions: 2, dispatchers: 2 });
    const customers = ['/a', '/b', '/c'].map((path) => new OrderedCustomer(line.receiver, path, 7));
    for (const path of ['/a', '/b', '/c']) await line.createWebhook(path, STRICT);
    const keys = ['one', 'two'];
    await Promise.all(keys.map((key) => publish(line, key, 60)));
    for (const customer of customers) {
      await until('everything is accepted', () => customer.accepted === 120, PATIENT_MS);
      expect(customer.overtaken).toEqual([]);
    }
  }, 120_000);

  it('is kept when a dispatcher takes over from another', async () => {
    await using line = await Line.start();
    const customer = new OrderedCustomer(line.receiver, '/over', 5);
    await line.createWebhook('/over', STRICT);
    await publish(line, 'one', 40);
    await until('under way', () => customer.accepted > 5);
    // Whether or not the webhook falls to it: one of the two is a hand-over, there or back.
    await using second = await startDispatcher(line.env, 'dispatcher-2');
    expect(second.addresses['grpc']).toBeDefined();
    await publish(line, 'one', 40, 40);
    await until('more under way', () => customer.accepted > 30, PATIENT_MS);
    await second[Symbol.asyncDispose]();
    await until('everything is accepted', () => customer.accepted === 80, PATIENT_MS);
    expect(customer.overtaken).toEqual([]);
  }, 120_000);

  it('holds up nothing of another key', async () => {
    await using line = await Line.start();
    const { id } = await line.createWebhook('/keys', { ...STRICT, retryDelays: { values: [3_600] } });
    line.receiver.respond((request) => ({ status: request.body.includes('stuck') ? 500 : 200 }), '/keys');
    await publish(line, 'stuck', 3);
    await line.receiver.waitFor(1, { path: '/keys' });
    await publish(line, 'free', 3);
    await line.publish('crawl.page', { key: 'task' }, { taskId: 'stuck' });
    await line.publish('crawl.page', { key: 'none' });
    const outcomes = await line.outcomes(id, 6);
    expect(outcomes.filter(({ kind }) => kind === 'delivered')).toHaveLength(5);
    expect(outcomes.filter(({ kind }) => kind === 'attempt_failed')).toHaveLength(1);
    expect(line.receiver.requestsTo('/keys').filter(({ body }) => body.includes('stuck'))).toHaveLength(1);
  });

  it('lets the next go when one has failed for good, or was skipped', async () => {
    await using line = await Line.start();
    const { id } = await line.createWebhook('/final', { ...STRICT, messageTtlSeconds: 604_800 });
    line.receiver.sequence('/final', [{ status: 200 }, { status: 404 }]);
    await publish(line, 'one', 4);
    const outcomes = await line.outcomes(id, 4);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['delivered', 'attempt_failed', 'delivered', 'delivered']);
    const numbers = line.receiver.requestsTo('/final').map((request) => request.json<{ n: number }>().n);
    expect(numbers).toEqual([0, 1, 2, 3]);
  });

  it('is kept by many that wait: they go one after another as soon as they may, not when their lanes say so', async () => {
    await using line = await Line.start({ env: { GRAPNEL_TIME_SCALE: '1' } });
    const customer = new OrderedCustomer(line.receiver, '/many');
    await line.createWebhook('/many', STRICT);
    await publish(line, 'one', 200);
    // Lanes alone would let one go in ten seconds.
    await until('everything is accepted', () => customer.accepted === 200, PATIENT_MS);
    expect(customer.overtaken).toEqual([]);
  }, 90_000);
});
