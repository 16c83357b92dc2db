import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';

describe('the time to live of messages', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  it('skips what is due too late, says why, and tells of it', async () => {
    await platform.createWebhook('/news', { event_types: ['message.expired'] });
    const hook = { event_types: ['scrape.failed'], retry_delays: [240] };
    const { id } = await platform.createWebhook('/late', hook);
    platform.receiver.sequence('/late', [{ status: 500 }]);
    await platform.publish('scrape.failed', { job_id: 'j1' });
    await until('waits for its retry', async () => (await platform.deliveries(id))[0]?.status === 'retrying');
    // Said while it waits: the webhook's own word of the moment of the attempt counts.
    await platform.call('PUT', `/v1/webhooks/${id}`, { message_ttl_seconds: 1 });
    expect(await platform.ended(id, 1)).toMatchObject([
      { status: 'skipped', skip_reason: 'too_old', attempt_number: 1, next_attempt_at: null },
    ]);
    expect(platform.receiver.requestsTo('/late')).toHaveLength(1);
    const [news] = await platform.receiver.waitFor(1, { path: '/news' });
    expect(news?.json()).toMatchObject({ webhook_id: id, reason: 'older than the webhook’s time to live' });
    // A replay is a new wish, whose time begins with it.
    await platform.call('PUT', `/v1/webhooks/${id}`, { message_ttl_seconds: 600 });
    const [delivery] = await platform.deliveries(id);
    expect((await platform.call('POST', `/v1/webhooks/${id}/deliveries/${delivery.uuid}/replay`)).status).toBe(200);
    await until('delivered', async () => (await platform.deliveries(id))[0]?.status === 'delivered');
  });

  it('waits for no retry that would come too late', async () => {
    const hook = { event_types: ['scrape.cancelled'], retry_delays: [3_600], message_ttl_seconds: 600 };
    const { id } = await platform.createWebhook('/hopeless', hook);
    platform.receiver.respond({ status: 500 }, '/hopeless');
    await platform.publish('scrape.cancelled', { job_id: 'j2' });
    expect(await platform.ended(id, 1)).toMatchObject([
      { status: 'failed', skip_reason: null, attempt_number: 1, next_attempt_at: null, response_status: 500 },
    ]);
    await until('counted', async () => (await platform.webhook(id)).consecutive_failures === 1);
  });
});
