import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { partitionOf } from '@grapnel/domain/partition';
import { expect, it } from 'vitest';
import { diedWithMessage } from '../support/died-with-message.ts';
import { startDispatcher, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

it('FC-09 the end of a job that was sent before a crash is over, though no history tells', async () => {
  await using line = await Line.start({ dispatchers: 0 });
  const { names, open } = line.ground;
  const { id } = await line.createWebhook('/job', { ordering: 'job', eventTypes: { values: ['*'] } });
  await line.publish('crawl.completed', { job_id: 'j', status: 'completed' }, { jobId: 'j' });
  const delivery = await diedWithMessage(line.ground);
  expect(delivery.last).toBe(true);
  const attempt = {
    startedAt: Date.now(),
    durationMs: 1,
    request: { method: 'POST', url: line.receiver.url('/job'), headers: {} },
    response: { status: 200, headers: {}, body: '', truncated: false },
    error: null,
    remoteAddress: null,
  };
  const turn = { round: 0, attempt: 1 };
  await open.streams.publish(encodeOutcome({ kind: 'delivered', delivery, turn, attempt }, names));

  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher(line.env));
  const durable = names.consumers.dispatch(partitionOf(id, names.partitions));
  await until('the message is acknowledged', async () => {
    const { ackFloor } = await open.streams.lag(names.streams.deliveries, durable);
    return ackFloor >= delivery.sequence;
  });
  expect((await open.streams.state(names.streams.retries)).messages).toBe(0);
  expect(line.receiver.requests).toHaveLength(0);
}, 60_000);
