import { ownerOf, partitionOf } from '@grapnel/domain/partition';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDispatcher, until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';

const TYPE = 'map.completed';
/** Fifteen seconds in the tests' time: longer than what has to happen before it. */
const AWAY_SECONDS = 900;

describe('waking what waits for an endpoint', () => {
  let platform: Platform;
  beforeEach(async () => {
    platform = await Platform.start();
  });
  afterEach(() => platform[Symbol.asyncDispose]());

  /** One that the second dispatcher would get. */
  const movable = async (path: string, config: object): Promise<string> => {
    const { partitions } = platform.ground.names;
    const both = ['dispatcher-1', 'dispatcher-2'];
    for (;;) {
      const { id } = await platform.createWebhook(path, { event_types: [TYPE], ...config });
      if (ownerOf(String(partitionOf(id, partitions)), both) === 'dispatcher-2') return id;
      await platform.call('DELETE', `/v1/webhooks/${id}`);
    }
  };
  const ended = async (id: string): Promise<number> =>
    (await platform.deliveries(id)).filter(({ status }) => status === 'delivered').length;
  const numbersAt = (path: string): number[] =>
    platform.receiver
      .requestsTo(path)
      .map((request) => JSON.parse(/\{"n":\d+\}/.exec(request.text())?.[0] ?? '{}').n as number)
      .toSorted((a, b) => a - b);
  const lanesAreEmpty = async (): Promise<boolean> => {
    const { open, names } = platform.ground;
    return (await open.streams.state(names.streams.retries)).messages === 0;
  };

  it('sends at once when its owner has mended it, once each, whoever takes over, and keeps to the schedule', async () => {
    const id = await movable('/asks', { profile: 'standard' });
    platform.receiver.respond({ status: 429, headers: { 'retry-after': String(AWAY_SECONDS) } }, '/asks');
    await platform.publish(TYPE, { n: 0 });
    await platform.receiver.waitFor(1, { path: '/asks' });
    await until('its wish is known', async () => (await platform.deliveries(id))[0]?.status === 'retrying');
    for (let n = 1; n <= 5; n++) await platform.publish(TYPE, { n });
    await until('all wait', async () => {
      const { open, names } = platform.ground;
      return (await open.streams.state(names.streams.retries)).messages === 6;
    });
    await platform.call('PUT', `/v1/webhooks/${id}`, { webhook_url: platform.receiver.url('/mended') });
    await until('those that waited for the endpoint', async () => (await ended(id)) === 5);
    expect(numbersAt('/mended')).toEqual([1, 2, 3, 4, 5]);
    expect(platform.receiver.requestsTo('/asks')).toHaveLength(1);
    // Their entries come out of the lane where another dispatcher finds them, and the retry keeps its time.
    await using second = await startDispatcher(platform.env, 'dispatcher-2');
    expect(second.addresses['grpc']).toBeDefined();
    await until('the lanes are empty', lanesAreEmpty, 60_000);
    await until('the retry', async () => (await ended(id)) === 6);
    expect(numbersAt('/mended')).toEqual([0, 1, 2, 3, 4, 5]);
  }, 120_000);

  it('sends at once when its owner allows it more', async () => {
    const { id } = await platform.createWebhook('/rate', { event_types: [TYPE], rate_limit_per_second: 0.1 });
    for (let n = 0; n < 5; n++) await platform.publish(TYPE, { n });
    await platform.receiver.waitFor(1, { path: '/rate' });
    await until('the others wait', async () => (await platform.deliveries(id, '?status=pending')).length === 4);
    await platform.call('PUT', `/v1/webhooks/${id}`, { rate_limit_per_second: null });
    await until('all of them', async () => (await ended(id)) === 5, 8_000);
    expect(numbersAt('/rate')).toEqual([0, 1, 2, 3, 4]);
  });
});
