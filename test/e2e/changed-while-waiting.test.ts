import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

/** A webhook that has had its first delivery, and the second waits some seconds for its rate. */
async function oneQueued(line: Line): Promise<string> {
  const { id } = await line.createWebhook('/old', { rateLimitPerSecond: 0.2 });
  await line.publish();
  await line.receiver.waitFor(1, { path: '/old' });
  await line.publish();
  await until('it is stored', async () => {
    const { open, names } = line.ground;
    return (await open.streams.state(names.streams.deliveries)).messages === 2;
  });
  return id;
}

it('what waits for its endpoint is sent to where the webhook is by then', async () => {
  await using line = await Line.start();
  const id = await oneQueued(line);
  const { client, as } = line.webhooks;
  await client.updateWebhook({ webhookId: id, changes: { url: line.receiver.url('/new') } }, as);
  await line.outcomes(id, 2);
  expect(line.receiver.requests.map(({ path }) => path)).toEqual(['/old', '/new']);
}, 60_000);

it('what waits for its endpoint is not sent when the webhook was deleted meanwhile', async () => {
  await using line = await Line.start();
  const id = await oneQueued(line);
  const { client, as } = line.webhooks;
  await client.deleteWebhook({ webhookId: id }, as);
  // A second more than the rate asks for.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect(line.receiver.requests).toHaveLength(1);
}, 60_000);
