import { describe, expect, it } from 'vitest';
import { startSubscription, until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

const CONFIG = { maxRetries: 0 };

describe('auto-disable', () => {
  it('AC-18 with two replicas: after exactly ten failed deliveries in a row, and says when and why', async () => {
    await using line = await Line.start({ subscriptions: 2 });
    const { id } = await line.createWebhook('/bad', CONFIG);
    line.receiver.respond({ status: 500 }, '/bad');
    for (let i = 0; i < 9; i++) await line.publish();
    await until('nine counted', async () => (await line.webhook(id)).consecutiveFailures === 9);
    expect((await line.webhook(id)).active).toBe(true);
    await line.publish();
    const disabled = await until('disabled', async () => {
      const webhook = await line.webhook(id);
      return !webhook.active && webhook;
    });
    expect(disabled.consecutiveFailures).toBe(10);
    expect(disabled.inactive?.detail).toBe('10 consecutive deliveries failed; the last with HTTP 500');
  });

  it('AC-18 a success in between begins the count anew', async () => {
    await using line = await Line.start({ subscriptions: 2 });
    const { id } = await line.createWebhook('/mixed', CONFIG);
    const bad = Array.from({ length: 9 }, () => ({ status: 500 }));
    line.receiver.sequence('/mixed', [...bad, { status: 200 }, ...bad, { status: 200 }]);
    for (let i = 0; i < 20; i++) {
      await line.publish();
      await line.outcomes(id, i + 1);
    }
    await until('the last success counted', async () => (await line.webhook(id)).consecutiveFailures === 0);
    expect((await line.webhook(id)).active).toBe(true);
  });

  it('AC-18 exact across a restart: what was counted before counts once', async () => {
    await using line = await Line.start();
    const { id } = await line.createWebhook('/restart', CONFIG);
    line.receiver.respond({ status: 500 }, '/restart');
    for (let i = 0; i < 6; i++) await line.publish();
    await until('six counted', async () => (await line.webhook(id)).consecutiveFailures === 6);
    // A second service takes over from the stored position and reads the end of the log again.
    await using second = await startSubscription(line.env);
    expect(second.addresses['grpc']).toBeDefined();
    for (let i = 0; i < 3; i++) await line.publish();
    await until('nine counted', async () => (await line.webhook(id)).consecutiveFailures === 9);
    expect((await line.webhook(id)).active).toBe(true);
    await line.publish();
    await until('disabled', async () => !(await line.webhook(id)).active);
  });

  it('AC-18 what was waiting is skipped, also after an activation; new events go out', async () => {
    await using line = await Line.start();
    // Four seconds of the tests' shortened time: longer than ten failures take on a busy machine.
    const { id } = await line.createWebhook('/waiting', { retryDelays: { values: [240] } });
    // One delivery waits for its retry while ten others fail at once with a 404.
    line.receiver.respond({ status: 500 }, '/waiting');
    await line.publish();
    await line.receiver.waitFor(1, { path: '/waiting' });
    line.receiver.respond({ status: 404 }, '/waiting');
    for (let i = 0; i < 10; i++) await line.publish();
    await until('disabled', async () => !(await line.webhook(id)).active);
    const { client, as } = line.webhooks;
    await client.activateWebhook({ webhookId: id }, as);
    line.receiver.respond({ status: 200 }, '/waiting');
    const outcomes = await line.outcomes(id, 12, 30_000);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'skipped', reason: 'webhook_auto_disabled' });
    expect(line.receiver.requestsTo('/waiting')).toHaveLength(11);
    await line.publish();
    expect((await line.outcomes(id, 13)).at(-1)).toMatchObject({ kind: 'delivered' });
  });
});
