import { randomBytes } from 'node:crypto';
import type { WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import { expect, it } from 'vitest';
import { startDispatcher, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';
import { StallingProxy } from '../support/stalling-proxy.ts';

/** Publishes an event for a webhook and waits until its delivery waits in a lane, not in its partition. */
async function publishIntoLane(line: Line, webhook: string): Promise<void> {
  const { names, open } = line.ground;
  await line.publish();
  const durable = names.consumers.dispatch(partitionOf(webhook, names.partitions));
  const subject = names.subjects.delivery(webhook as WebhookId);
  await until('its message is acknowledged', async () => {
    const made = await open.streams.lastOn(names.streams.deliveries, subject);
    const { ackFloor } = await open.streams.lag(names.streams.deliveries, durable);
    return made !== null && ackFloor >= made.sequence;
  });
  expect((await open.streams.state(names.streams.retries)).messages).toBe(1);
  expect(line.receiver.requests).toHaveLength(0);
}

it('what a dispatcher cannot send, for want of a key, waits in a lane and not in its partition, and goes out when one can', async () => {
  await using line = await Line.start({ dispatchers: 0 });
  const strange = { GRAPNEL_KEYRING: `other:${randomBytes(32).toString('base64')}` };
  const keyless = await startDispatcher({ ...line.env, ...strange }, 'keyless');
  const { id } = await line.createWebhook('/sealed');
  await publishIntoLane(line, id);
  await keyless[Symbol.asyncDispose]();

  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher(line.env, 'able'));
  await line.outcomes(id, 1);
  expect(line.receiver.requestsTo('/sealed')).toHaveLength(1);
}, 60_000);

it('what a dispatcher has not heard of waits in a lane as well, when the news do not come', async () => {
  await using line = await Line.start({ dispatchers: 0 });
  const target = `http://${line.env['SUBSCRIPTION_GRPC']}`;
  await using proxy = await StallingProxy.start(target);
  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher({ ...line.env, SUBSCRIPTION_GRPC: new URL(proxy.url(target)).host }, 'behind'));
  proxy.cut();
  const { id } = await line.createWebhook('/new');
  await publishIntoLane(line, id);

  proxy.resume();
  await line.outcomes(id, 1);
  expect(line.receiver.requestsTo('/new')).toHaveLength(1);
}, 60_000);
