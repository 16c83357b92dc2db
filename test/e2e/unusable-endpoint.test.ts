import { randomBytes } from 'node:crypto';
import type { WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import { expect, it } from 'vitest';
import { startDispatcher, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

it('what a dispatcher cannot send, for want of a key, waits in a lane and not in its partition, and goes out when one can', async () => {
  await using line = await Line.start({ dispatchers: 0 });
  const { names, open } = line.ground;
  const strange = { GRAPNEL_KEYRING: `other:${randomBytes(32).toString('base64')}` };
  const keyless = await startDispatcher({ ...line.env, ...strange }, 'keyless');
  const { id } = await line.createWebhook('/sealed');
  await line.publish();
  const durable = names.consumers.dispatch(partitionOf(id, names.partitions));
  const subject = names.subjects.delivery(id as WebhookId);
  await until('its message is acknowledged', async () => {
    const made = await open.streams.lastOn(names.streams.deliveries, subject);
    const { ackFloor } = await open.streams.lag(names.streams.deliveries, durable);
    return made !== null && ackFloor >= made.sequence;
  });
  expect((await open.streams.state(names.streams.retries)).messages).toBe(1);
  expect(line.receiver.requests).toHaveLength(0);
  await keyless[Symbol.asyncDispose]();

  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher(line.env, 'able'));
  await line.outcomes(id, 1);
  expect(line.receiver.requestsTo('/sealed')).toHaveLength(1);
}, 60_000);
