import { expect, it } from 'vitest';
import { startDispatcher, until, webhookTakenOver } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';

const INSTANCES = ['dispatcher-1', 'dispatcher-2'];

it('AC-13 AC-18 what a replay took over is neither sent nor counted by the next owner of its partition', async () => {
  await using platform = await Platform.start({ env: { GRAPNEL_TIME_SCALE: '6' } });
  const { id: webhook, path } = await webhookTakenOver(INSTANCES, platform.ground, (at) =>
    platform.createWebhook(at, { max_retries: 1 }),
  );
  platform.receiver.sequence(path, [{ status: 500 }]);
  await platform.publish('crawl.page', {});
  const failed = await until(
    'it waits for its retry',
    async () => (await platform.deliveries(webhook, '?status=retrying'))[0],
  );
  const { status } = await platform.call('POST', `/v1/webhooks/${webhook}/deliveries/${failed.uuid}/replay`);
  expect(status).toBe(200);
  await until('delivered', async () => (await platform.deliveries(webhook, '?status=delivered'))[0]);

  platform.receiver.respond({ status: 500 }, path);
  const before = platform.receiver.requestsTo(path).length;
  await using stack = new AsyncDisposableStack();
  stack.use(await startDispatcher(platform.env, 'dispatcher-2'));
  const { open, names } = platform.ground;
  await until(
    'its retry has come',
    async () => (await open.streams.state(names.streams.retries)).messages === 0,
    30_000,
  );
  const { body } = await platform.call('GET', `/v1/webhooks/${webhook}`);
  expect(body.data).toMatchObject({ consecutive_failures: 0 });
  expect(platform.receiver.requestsTo(path)).toHaveLength(before);
}, 90_000);
