import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { openChannel } from '@grapnel/rpc/client';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { Platform } from '../support/platform.ts';

it('one trace leads from the gRPC call to the customer’s request; a retry is a linked span of it', async () => {
  await using collector = await OtlpCollector.start();
  const telemetry = startTelemetry({ service: 'test', instance: 'test', otlpEndpoint: collector.url, sampleRatio: 1 });
  await using platform = await Platform.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  const { id } = await platform.createWebhook('/traced');
  platform.receiver.sequence('/traced', [{ status: 500 }]);

  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const caller = 'b7ad6b7169203331';
  using channel = openChannel({ address: platform.ingestGrpc, token: platform.apiKey });
  await channel
    .client(IngestService)
    .publish(
      { event: { type: 'crawl.page', data: Buffer.from('{}') } },
      { metadata: { traceparent: `00-${traceId}-${caller}-01` } },
    );
  const [first, second] = await platform.receiver.waitFor(2, { path: '/traced' });
  await platform.ended(id, 1);
  expect(first?.header('traceparent')).toMatch(new RegExp(`^00-${traceId}-`));
  expect(second?.header('traceparent')).toMatch(new RegExp(`^00-${traceId}-`));

  await telemetry.stop();
  const spans = await until('the spans', () => {
    const mine = collector.spans.filter((span) => span.traceId === traceId);
    return mine.filter(({ name }) => name === 'POST').length === 2 && mine;
  });
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const attempts = spans.filter(({ name, kind }) => name === 'POST' && kind === 3);
  const sentBy = (traceparent: string | undefined) => byId.get(traceparent?.split('-')[2] ?? '');
  expect(sentBy(first?.header('traceparent'))?.name).toBe('POST');

  // Every attempt's ancestors end at the caller.
  for (const attempt of attempts) {
    const names = [];
    let parent = attempt.parentSpanId;
    for (; parent !== caller; parent = byId.get(parent)?.parentSpanId ?? caller) names.push(byId.get(parent)?.name);
    expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/fan out/), expect.stringMatching(/publish/)]));
  }
  const retry = attempts.find(({ links }) => links.length > 0);
  expect(retry?.links).toEqual([sentBy(first?.header('traceparent'))?.spanId]);
});
