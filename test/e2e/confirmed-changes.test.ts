import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { Line } from '../support/line.ts';

const ROUNDS = 40;

describe('a change that is confirmed', () => {
  it('holds for the next event, whichever replica has made the change and whichever makes the deliveries', async () => {
    await using line = await Line.start({ subscriptions: 2 });
    const { client, as } = line.webhooks;
    const stop = new AbortController();
    // Events that nobody wants keep both replicas' looks at the stream recent.
    const others = (async () => {
      while (!stop.signal.aborted) {
        await line.publish('crawl.page', {}, { taskId: 'others' });
        await sleep(2);
      }
    })();
    const arrived = (path: string): string[] => line.receiver.requestsTo(path).map(({ body }) => body.toString());
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const task = `task-${round}`;
        const path = `/${task}`;
        const publish = (wanted: boolean) => line.publish('crawl.page', { wanted }, { taskId: task });
        const { id } = await line.createWebhook(path, { scope: Scope.SPECIFIC, specificTaskIds: { values: [task] } });
        await publish(true);
        await until('the first event after its creation arrives', () => arrived(path).length === 1);
        await client.deactivateWebhook({ webhookId: id }, as);
        await publish(false);
        await client.activateWebhook({ webhookId: id }, as);
        await publish(true);
        await until('the first event after its activation arrives', () => arrived(path).length === 2);
        for (const body of arrived(path)) expect(body).toContain('"wanted":true');
      }
    } finally {
      stop.abort();
      await others;
    }
  }, 60_000);
});
