import { expect, it } from 'vitest';
import { startDispatcher, until, webhookTakenOver } from '../support/ground.ts';
import { Line } from '../support/line.ts';

const INSTANCES = ['dispatcher-1', 'dispatcher-2'];

it('a strict order is handed over without sending again what is under way', async () => {
  await using line = await Line.start();
  const { id: webhook, path } = await webhookTakenOver(INSTANCES, line.ground, (at) =>
    line.createWebhook(at, { ordering: 'strict', timeoutSeconds: 30 }),
  );
  const bodies = () => line.receiver.requestsTo(path).map((request) => request.text());
  await line.publish('crawl.page', { n: 'before' }, { jobId: 'other' });
  await line.outcomes(webhook, 1);

  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  line.receiver.respond(() => answered.then(() => ({ status: 200 })), path);
  await line.publish('crawl.page', { n: 'under way' }, { jobId: 'key' });
  await line.receiver.waitFor(2, { path });
  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher(line.env, 'dispatcher-2'));
  await line.publish('crawl.page', { n: 'next' }, { jobId: 'key' });
  await line.publish('crawl.page', { n: 'elsewhere' }, { jobId: 'another' });
  await until('the second has the webhook', () => bodies().some((body) => body.includes('elsewhere')));
  answer();
  await line.outcomes(webhook, 4, 30_000);
  expect(bodies().map((body) => (JSON.parse(body) as { n: string }).n)).toEqual([
    'before',
    'under way',
    'elsewhere',
    'next',
  ]);
}, 90_000);
