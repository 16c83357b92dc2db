import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrapnelProducer } from '@grapnel/client/producer';
import { Receiver } from '@grapnel/testkit/receiver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { type ProcessPlatform, startProcessPlatform } from '../support/process-platform.ts';

const MAX_IN_FLIGHT = 16;
/** What a crash may repeat: the attempts that one endpoint may have under way, and as many again whose outcome is not stored. */
const MAY_REPEAT = 2 * MAX_IN_FLIGHT;
/** Enough to be in the middle of; the full trial is `CHAOS_EVENTS=20000`. */
const EVENTS = Number(process.env['CHAOS_EVENTS'] ?? 2_000);
const PATIENCE_MS = 60_000 + EVENTS * 10;

describe('kill -9 while events flow', () => {
  let platform: ProcessPlatform;
  let receiver: Receiver;
  beforeAll(async () => {
    platform = await startProcessPlatform({
      GRAPNEL_ACK_WAIT_MS: '4000',
      GRAPNEL_TIME_SCALE: '60',
      GRAPNEL_ENDPOINT_MAX_IN_FLIGHT: `${MAX_IN_FLIGHT}`,
    });
    receiver = await Receiver.start();
  }, 120_000);
  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
  });

  const victims = ['ingest', 'subscription', 'dispatcher', 'projector', 'gateway', 'postgres', 'nats'];
  it.each(victims)(
    'of %s: every accepted event reaches its endpoint and the history, ids unique, duplicates no more than were in flight',
    async (victim) => {
      // Of this run alone: events that are published again would be recognised.
      const run = `${victim}-${randomUUID()}`;
      const path = `/${run}`;
      const created = (await platform.api('POST', '/v1/webhooks', {
        name: run,
        webhook_url: receiver.url(path),
        event_types: ['crawl.page'],
        scope: 'specific',
        specific_task_ids: [run],
        max_retries: 10,
      })) as { readonly data: { readonly webhook_id: string } };
      receiver.respond({ status: 200, delayMs: 5 }, path);
      await using producer = new GrapnelProducer({
        address: platform.runtime.ingestGrpc,
        apiKey: platform.runtime.apiKey,
        maxBatchEvents: 50,
      });

      let published = 0;
      const publishing = (async () => {
        const pending = [];
        for (let n = 0; n < EVENTS; n++) {
          pending.push(
            producer
              .publish({ id: `${run}-${n}`, type: 'crawl.page', taskId: run, data: { n } })
              .then(() => published++),
          );
          if (n % 20 === 0) await sleep(10);
        }
        await Promise.all(pending);
      })();
      await until('events flow', () => published > EVENTS / 10);
      const pid = (await platform.pids())[victim] as number;
      process.kill(pid, 'SIGKILL');
      await publishing;
      expect(published).toBe(EVENTS);

      const distinct = () => new Set(receiver.requestsTo(path).map((r) => r.header('x-webhook-delivery-id')));
      await until(`all ${EVENTS} arrive`, () => distinct().size >= EVENTS, PATIENCE_MS);
      const bodies = new Set(receiver.requestsTo(path).map((r) => r.body.toString()));
      expect(bodies.size).toBe(EVENTS);
      expect(distinct().size).toBe(EVENTS);
      expect(receiver.requestsTo(path).length - EVENTS).toBeLessThanOrEqual(MAY_REPEAT);

      const history = async () => {
        const webhook = (await platform.api('GET', `/v1/webhooks/${created.data.webhook_id}`)) as {
          readonly data: { readonly successful_deliveries: number | null; readonly failed_deliveries: number };
        };
        return webhook.data;
      };
      await until(
        'the history is complete',
        async () => (await history().catch(() => null))?.successful_deliveries === EVENTS,
        PATIENCE_MS,
      );
      expect((await history()).failed_deliveries).toBe(0);
      expect((await platform.pids())[victim]).not.toBe(pid);
    },
    3 * PATIENCE_MS,
  );
});
