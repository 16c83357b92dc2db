import {
  DeliveryService,
  GetEndpointResponse_State as State,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import type { RunningApp } from '@grapnel/runtime/run';
import { eventually } from '@grapnel/testkit/eventually';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelTo, startDispatcher } from '../support/ground.ts';
import { Line } from '../support/line.ts';

describe('one customer never slows another', () => {
  let line: Line;
  let dispatcher: RunningApp;
  beforeEach(async () => {
    line = await Line.start({ dispatchers: 0 });
    dispatcher = await startDispatcher(line.env, 'first');
  });
  afterEach(async () => {
    await dispatcher[Symbol.asyncDispose]();
    await line[Symbol.asyncDispose]();
  });

  const endpointOf = async (webhookId: string) => {
    using channel = channelTo(dispatcher);
    const as = { metadata: { 'grapnel-tenant': line.tenant } };
    return await channel.client(DeliveryService).getEndpoint({ webhookId }, as);
  };
  /** Every delivery of a webhook so far was sent, or waits in a lane. */
  const dealtWith = (webhookId: string): Promise<unknown> =>
    eventually(async () => {
      const { names, open } = line.ground;
      const durable = names.consumers.dispatch(partitionOf(webhookId, names.partitions));
      const last = await open.streams.lastOn(names.streams.deliveries, names.subjects.delivery(webhookId as WebhookId));
      const { ackFloor } = await open.streams.lag(names.streams.deliveries, durable);
      expect(ackFloor).toBeGreaterThanOrEqual(last?.sequence ?? Number.POSITIVE_INFINITY);
    });
  const types = (type: string) => ({ eventTypes: { values: [type] } });

  it('delivers to all others while one hangs with more than it may have under way', async () => {
    line.receiver.respond({ mode: 'hang' }, '/hangs');
    // The stop afterwards waits for what is under way, and has 60 s.
    const hangs = await line.createWebhook('/hangs', { ...types('crawl.page'), timeoutSeconds: 20 });
    const fine = await line.createWebhook('/fine', types('crawl.page'));
    await Promise.all(Array.from({ length: 300 }, () => line.publish('crawl.page')));
    await line.receiver.waitFor(300, { path: '/fine', timeoutMs: 30_000 });
    await line.outcomes(fine.id, 300);
    expect(await line.outcomesOf(hangs.id)).toEqual([]);
    expect(line.receiver.highWater('/hangs')).toBeLessThanOrEqual(16);
  });

  it('leaves an endpoint alone that does not answer, says so, and goes on when it is back', async () => {
    line.receiver.respond({ mode: 'reset' }, '/resets');
    const { id } = await line.createWebhook('/resets', types('crawl.page'));
    await Promise.all(Array.from({ length: 15 }, () => line.publish('crawl.page')));
    await eventually(async () => expect(await endpointOf(id)).toMatchObject({ state: State.OPEN }));
    line.receiver.respond({ status: 200 }, '/resets');
    const delivered = async () => (await line.outcomesOf(id)).filter(({ kind }) => kind === 'delivered');
    await eventually(async () => expect(await delivered()).toHaveLength(15), { timeoutMs: 30_000 });
    expect(await endpointOf(id)).toMatchObject({ state: State.CLOSED });
  });

  it('ST-03 sends nothing while an endpoint asks to be left alone, not after a restart either', async () => {
    line.receiver.respond({ status: 429, headers: { 'retry-after': '3600' } }, '/later');
    const { id } = await line.createWebhook('/later', { ...types('crawl.page'), profile: 'standard' });
    await line.publish('crawl.page');
    await eventually(async () => expect(await endpointOf(id)).toMatchObject({ state: State.OPEN }));
    await line.publish('crawl.page');
    await dealtWith(id);
    expect(line.receiver.requestsTo('/later')).toHaveLength(1);

    await dispatcher[Symbol.asyncDispose]();
    dispatcher = await startDispatcher(line.env, 'second');
    await line.publish('crawl.page');
    await dealtWith(id);
    expect(line.receiver.requestsTo('/later')).toHaveLength(1);
    expect(await endpointOf(id)).toMatchObject({ state: State.OPEN, until: expect.anything() });
  });

  it('ST-03 sends what has waited when the endpoint’s time is over', async () => {
    line.receiver.sequence('/busy', [{ status: 503, headers: { 'retry-after': '60' } }]);
    const { id } = await line.createWebhook('/busy', { ...types('crawl.page'), profile: 'standard' });
    await line.publish('crawl.page');
    await eventually(async () => expect(await endpointOf(id)).toMatchObject({ state: State.OPEN }));
    await line.publish('crawl.page');
    const delivered = async () => (await line.outcomesOf(id)).filter(({ kind }) => kind === 'delivered');
    await eventually(async () => expect(await delivered()).toHaveLength(2), { timeoutMs: 30_000 });
  });

  it('tries an endpoint at once that its owner has pointed elsewhere', async () => {
    line.receiver.respond({ status: 429, headers: { 'retry-after': '3600' } }, '/old');
    const { id } = await line.createWebhook('/old', { ...types('crawl.page'), profile: 'standard' });
    await line.publish('crawl.page');
    await eventually(async () => expect(await endpointOf(id)).toMatchObject({ state: State.OPEN }));
    const { client, as } = line.webhooks;
    await client.updateWebhook({ webhookId: id, changes: { url: line.receiver.url('/new') } }, as);
    await eventually(async () => expect(await endpointOf(id)).toMatchObject({ state: State.CLOSED }));
    await line.publish('crawl.page');
    await line.receiver.waitFor(1, { path: '/new' });
  });

  it('keeps to the rate that a webhook asks for', async () => {
    const { id } = await line.createWebhook('/rated', { ...types('crawl.page'), rateLimitPerSecond: 20 });
    await Promise.all(Array.from({ length: 30 }, () => line.publish('crawl.page')));
    await line.outcomes(id, 30, 30_000);
    const at = line.receiver.requestsTo('/rated').map(({ receivedAt }) => receivedAt);
    // However late any of them was, so many a second cannot have begun within less time.
    expect(Math.max(...at) - Math.min(...at)).toBeGreaterThanOrEqual(29 * 50 - 100);
  });
});
