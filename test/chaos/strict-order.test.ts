import { GrapnelProducer } from '@grapnel/client/producer';
import { Receiver } from '@grapnel/testkit/receiver';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { OrderedCustomer } from '../support/ordered-customer.ts';
import { startProcessPlatform } from '../support/process-platform.ts';

const KEYS = 10;
const EVENTS_PER_KEY = 80;
/** Requests of which one is refused, so that retries are under way all the time. */
const EVERY = 11;

it('strict order: nothing overtakes what comes before it, with retries and services killed on the way', async () => {
  await using stack = new AsyncDisposableStack();
  const env = { GRAPNEL_ACK_WAIT_MS: '4000', GRAPNEL_TIME_SCALE: '60' };
  const platform = stack.use(await startProcessPlatform(env));
  const receiver = stack.use(await Receiver.start());
  const customer = new OrderedCustomer(receiver, '/strict', EVERY);
  await platform.api('POST', '/v1/webhooks', {
    name: 'strict',
    webhook_url: receiver.url('/strict'),
    event_types: ['crawl.page'],
    ordering: 'strict',
    max_retries: 10,
    retry_delays: [30],
  });
  await using producer = new GrapnelProducer({
    address: platform.runtime.ingestGrpc,
    apiKey: platform.runtime.apiKey,
    maxBatchEvents: 20,
  });
  let published = 0;
  const publish = async (key: string): Promise<void> => {
    // One after another: only what is accepted in order has an order.
    for (let n = 0; n < EVENTS_PER_KEY; n++) {
      await producer.publish({ type: 'crawl.page', jobId: key, data: { key, n } });
      published++;
    }
  };
  const publishing = Promise.all(Array.from({ length: KEYS }, (_, key) => publish(`key-${key}`)));
  const all = KEYS * EVENTS_PER_KEY;
  for (const [victim, reached] of [
    ['subscription', () => published > 0.3 * all],
    ['dispatcher', () => customer.accepted > 0.3 * all],
    ['dispatcher', () => customer.accepted > 0.7 * all],
  ] as const) {
    await until('events flow', reached, 60_000);
    process.kill((await platform.pids())[victim] as number, 'SIGKILL');
  }
  await publishing;
  await until('everything is accepted', () => customer.accepted === all, 120_000);
  expect(customer.overtaken).toEqual([]);
}, 240_000);
