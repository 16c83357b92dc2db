import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrapnelProducer } from '@grapnel/client/producer';
import { startPostgres } from '@grapnel/embedded/postgres';
import { createDatabase } from '@grapnel/embedded/postgres-database';
import { Receiver } from '@grapnel/testkit/receiver';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { startProcessPlatform } from '../support/process-platform.ts';

/** Long enough for every retry to fail; the full trial is `CHAOS_AWAY_SECONDS=60`. */
const AWAY_MS = Number(process.env['CHAOS_AWAY_SECONDS'] ?? 5) * 1_000;
const PATIENCE_MS = 90_000;

it('Postgres away: deliveries go on meanwhile, and the history is complete when it is back', async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'grapnel-away-'));
  await chmod(dataDir, 0o755);
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startPostgres({ dataDir: join(dataDir, 'pg'), onProgress: () => {} });
  const url = await createDatabase(postgres.url, 'grapnel');
  const platform = stack.use(await startProcessPlatform({ DATABASE_URL: url }));
  const receiver = stack.use(await Receiver.start());
  const created = (await platform.api('POST', '/v1/webhooks', {
    name: 'away',
    webhook_url: receiver.url('/away'),
    event_types: ['crawl.page'],
  })) as { readonly data: { readonly webhook_id: string } };
  await using producer = new GrapnelProducer({
    address: platform.runtime.ingestGrpc,
    apiKey: platform.runtime.apiKey,
  });
  let published = 0;
  const publish = async (): Promise<void> => {
    await producer.publish({ type: 'crawl.page', data: { n: published } });
    published++;
  };
  for (let n = 0; n < 50; n++) await publish();

  await postgres.stop();
  const back = Date.now() + AWAY_MS;
  while (Date.now() < back) {
    for (let n = 0; n < 20; n++) await publish();
    await sleep(100);
  }
  const meanwhile = published;
  await until('deliveries go on', () => receiver.requestsTo('/away').length >= meanwhile, PATIENCE_MS);

  stack.use(await startPostgres({ dataDir: join(dataDir, 'pg'), port: postgres.port, onProgress: () => {} }));
  await until(
    'the history is complete',
    async () => {
      const answer = platform.api('GET', `/v1/webhooks/${created.data.webhook_id}`).catch(() => null);
      const webhook = (await answer) as { readonly data?: { readonly successful_deliveries: number | null } } | null;
      return webhook?.data?.successful_deliveries === published;
    },
    PATIENCE_MS,
  );
  expect(new Set(receiver.requestsTo('/away').map((r) => r.header('x-webhook-delivery-id'))).size).toBe(published);
}, 300_000);
