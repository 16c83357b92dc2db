import { GrapnelProducer } from '@grapnel/client/producer';
import { expect, it } from 'vitest';
import { KEY, startIngest } from './ingest-fixture.ts';

it('ST-06 stores each event of a producer once, though the service is too small for its haste', async () => {
  await using ingest = await startIngest({ env: { INGEST_MAX_OUTSTANDING_EVENTS: '64' } });
  await using producer = new GrapnelProducer({ address: ingest.grpc, apiKey: KEY });
  const published = await Promise.all(
    Array.from({ length: 1_000 }, (_, n) => producer.publish({ type: 'crawl.page', jobId: 'job', data: { n } })),
  );
  expect(new Set(published.map(({ eventId }) => eventId)).size).toBe(1_000);
  expect(await ingest.stored()).toBe(1_000);
  await expect(producer.publish({ type: 'nope', data: 1 })).rejects.toMatchObject({
    reason: 'invalid',
    violations: [{ field: 'type' }],
  });
});
