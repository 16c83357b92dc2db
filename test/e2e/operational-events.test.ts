import { ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Platform } from '../support/platform.ts';

const OPERATOR = 'operator';
const NEWS = ['webhook.failing', 'webhook.auto_disabled', 'delivery.exhausted'];

interface News {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

describe('news of the platform’s own work', () => {
  let platform: Platform;
  let operatorKey: string;
  beforeAll(async () => {
    platform = await Platform.start({ subscriptionEnv: { GRAPNEL_OPERATOR_TENANT: OPERATOR } });
    operatorKey = (await platform.subscription.client(ApiKeyService).createApiKey({ tenant: OPERATOR })).key;
    await until(
      'the operator’s key is known',
      async () => (await platform.call('GET', '/v1/webhooks', undefined, operatorKey)).status === 200,
    );
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  const create = async (path: string, config: object, key = platform.apiKey): Promise<string> => {
    const body = { name: path, webhook_url: platform.receiver.url(path), profile: 'standard', ...config };
    const answer = await platform.call('POST', '/v1/webhooks', body, key);
    expect(answer.status).toBe(201);
    return answer.body.data.webhook_id;
  };
  /** What arrived at a path about one webhook. */
  const newsAt = (path: string, about: string): News[] =>
    platform.receiver
      .requestsTo(path)
      .map((request) => request.json<News>())
      .filter(({ data }) => data['webhook_id'] === about);
  const countOf = (news: readonly News[], type: string): number => news.filter((each) => each.type === type).length;

  it('AC-18 tells who names it, tenant and operator, of failures, of the half way and of the end', async () => {
    await create('/news', { event_types: NEWS });
    await create('/operator', { event_types: NEWS }, operatorKey);
    await create('/everything', { event_types: ['*'] });
    const bad = await create('/bad', { event_types: ['task.executed'], max_retries: 0 });
    platform.receiver.respond({ status: 500 }, '/bad');
    const publish = (n: number) => platform.call('POST', '/v1/events', { type: 'task.executed', data: { n } });
    for (let n = 1; n <= 5; n++) await publish(n);
    await until('half way', () => countOf(newsAt('/news', bad), 'webhook.failing') === 1, 30_000);
    expect(countOf(newsAt('/news', bad), 'webhook.auto_disabled')).toBe(0);
    for (let n = 6; n <= 10; n++) await publish(n);
    for (const path of ['/news', '/operator']) {
      await until(`all news at ${path}`, () => newsAt(path, bad).length >= 12, 30_000);
      const news = newsAt(path, bad);
      expect(NEWS.map((type) => countOf(news, type))).toEqual([1, 1, 10]);
      expect(news.find(({ type }) => type === 'webhook.failing')?.data).toMatchObject({
        tenant: platform.tenant,
        webhook_name: '/bad',
      });
      expect(news.find(({ type }) => type === 'webhook.auto_disabled')?.data).toMatchObject({
        consecutive_failures: 10,
        reason: '10 consecutive deliveries failed; the last with HTTP 500',
      });
      expect(news.find(({ type }) => type === 'delivery.exhausted')?.data).toMatchObject({
        tenant: platform.tenant,
        event_type: 'task.executed',
        attempts: 1,
        reason: 'HTTP 500',
        delivery_id: expect.stringMatching(/^dlv_/),
      });
    }
    // It had the ten events, and then one that came after all news: none of these was for it.
    await platform.call('POST', '/v1/events', { type: 'task.paused', data: { after: true } });
    await until('the last event', () => platform.receiver.requestsTo('/everything').length >= 11, 30_000);
    const types = platform.receiver.requestsTo('/everything').map((request) => request.json<News>().type);
    expect(new Set(types)).toEqual(new Set(['task.executed', 'task.paused']));
  }, 120_000);

  it('AC-18 tells nothing of news that could not be delivered', async () => {
    const deaf = await create('/deaf', { event_types: ['delivery.exhausted'], max_retries: 0 });
    platform.receiver.respond({ status: 500 }, '/deaf');
    const bad = await create('/bad-2', { event_types: ['task.failed'], max_retries: 0 });
    platform.receiver.respond({ status: 500 }, '/bad-2');
    await platform.call('POST', '/v1/events', { type: 'task.failed', data: {} });
    expect(await platform.ended(deaf, 1, 30_000)).toMatchObject([
      { status: 'failed', event_type: 'delivery.exhausted' },
    ]);
    // The next failure's news comes behind whatever the first one's failure would have told.
    await platform.call('POST', '/v1/events', { type: 'task.failed', data: {} });
    await platform.ended(deaf, 2, 30_000);
    await until('both at the operator', () => countOf(newsAt('/operator', bad), 'delivery.exhausted') === 2, 30_000);
    expect(newsAt('/operator', deaf)).toEqual([]);
    expect(await platform.deliveries(deaf)).toHaveLength(2);
  }, 90_000);

  it('AC-18 nobody publishes such news but the platform', async () => {
    const forged = await platform.call('POST', '/v1/events', { type: 'webhook.auto_disabled', data: {} });
    expect(forged.status).toBe(400);
  });
});
