import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';

it('AC-13 AC-18 a replay takes over: what was waiting of the earlier round is neither sent nor counted', async () => {
  await using platform = await Platform.start();
  const { id } = await platform.createWebhook('/over', { max_retries: 2 });
  platform.receiver.sequence('/over', [{ status: 500 }]);
  await platform.call('POST', '/v1/events', { type: 'crawl.page', data: {} });
  const waiting = await until(
    'it waits for its retry',
    async () => (await platform.deliveries(id, '?status=retrying'))[0],
  );
  expect((await platform.call('POST', `/v1/webhooks/${id}/deliveries/${waiting.uuid}/replay`)).status).toBe(200);
  await until('delivered', async () => (await platform.deliveries(id, '?status=delivered'))[0]);
  // What the first round had planned would fail now, and be seen by a later delivery at the latest.
  platform.receiver.respond({ status: 500 }, '/over');
  await until('its time has passed', () => Date.now() > Date.parse(waiting.next_attempt_at) + 500);
  expect(platform.receiver.requestsTo('/over')).toHaveLength(2);
  const webhook = await platform.call('GET', `/v1/webhooks/${id}`);
  expect(webhook.body.data).toMatchObject({ consecutive_failures: 0, failed_deliveries: 0, successful_deliveries: 1 });
});
