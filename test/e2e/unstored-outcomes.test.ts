import { setTimeout as sleep } from 'node:timers/promises';
import { natsUrl } from '@grapnel/testkit/infra';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Line } from '../support/line.ts';
import { StallingProxy } from '../support/stalling-proxy.ts';

const PLACES = 4;
const EVENTS = 200;

it('an endpoint gets no more than twice its places while outcomes cannot be stored: what a crash would repeat', async () => {
  await using proxy = await StallingProxy.start(natsUrl());
  const dispatcherEnv = { NATS_URL: proxy.url(natsUrl()), GRAPNEL_ENDPOINT_MAX_IN_FLIGHT: String(PLACES) };
  await using line = await Line.start({ dispatcherEnv });
  const { id } = await line.createWebhook('/busy');
  await line.publish();
  await line.outcomes(id, 1);

  proxy.stall();
  for (let n = 1; n < EVENTS; n++) await line.publish();
  const received = () => line.receiver.requestsTo('/busy').length;
  await until('all that may be sent is', () => received() >= 1 + 2 * PLACES);
  // Whatever more it holds would be sent within this.
  await sleep(500);
  expect(received()).toBe(1 + 2 * PLACES);

  proxy.resume();
  await line.outcomes(id, EVENTS);
  expect(received()).toBe(EVENTS);
}, 60_000);
