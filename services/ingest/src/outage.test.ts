import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { Code } from '@grapnel/rpc/errors';
import { eventually } from '@grapnel/testkit/eventually';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { json, startIngest } from './ingest-fixture.ts';

let folder: string;
let binary: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-ingest-'));
  binary = await findNatsServer({ cacheDir: projectCacheDir, version: 'newest', onProgress: () => {} });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const event = { id: 'kept', type: 'crawl.page', data: json({ n: 1 }) };

it('answers UNAVAILABLE while NATS is away, and goes on when it is back', async () => {
  const storeDir = join(folder, 'outage');
  const first = await startNats({ binary, storeDir });
  await using ingest = await startIngest({ nats: first.url });
  await ingest.client.publish({ event });
  await first.kill();
  await eventually(async () => (await fetch(`${ingest.http}/readyz`)).status === 503);

  const refused = await ingest.client.publish({ event: { ...event, id: 'lost' } }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: Code.UNAVAILABLE, details: { retryAfterMs: 1_000 } });
  expect((refused as Error).message).toMatch(/may or may not have been stored.*same id \(lost\) is safe/);
  const { results } = await ingest.client.publishBatch({ events: [event] });
  expect(results[0]?.outcome).toMatchObject({
    case: 'error',
    value: { code: Code.UNAVAILABLE, retryDelay: { seconds: 1n } },
  });
  const http = await ingest.post({ id: 'lost', type: 'crawl.page', data: 1 });
  expect([http.status, http.headers.get('retry-after'), http.body.success]).toEqual([503, '1', false]);

  await using second = await startNats({ binary, storeDir, port: first.port });
  expect(second.url).toBe(first.url);
  await eventually(async () => (await fetch(`${ingest.http}/readyz`)).ok);
  await eventually(async () => ingest.client.publish({ event: { ...event, id: 'lost' } }));
  expect(await ingest.client.publish({ event })).toMatchObject({ duplicate: true });
  // Asked over a connection of the test's own, which has to come back, too.
  await eventually(async () => expect(await ingest.stored()).toBe(2), { timeoutMs: 20_000 });
}, 40_000);

it('says so when the store will not take an event however often it is sent', async () => {
  await using nats = await startNats({ binary, storeDir: join(folder, 'narrow'), maxPayload: 65_536 });
  await using ingest = await startIngest({ nats: nats.url });
  const large = { type: 'crawl.page', data: json('x'.repeat(100_000)) };
  const refused = await ingest.client.publish({ event: large }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION });
  expect(await ingest.stored()).toBe(0);
});
