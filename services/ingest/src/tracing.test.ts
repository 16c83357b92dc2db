import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startTelemetry } from '@grapnel/runtime/telemetry';
import { expect, it } from 'vitest';
import { json, startIngest } from './ingest-fixture.ts';

it('makes a producer span under the caller’s, counts events, and hands the span on', async () => {
  const received: Buffer[] = [];
  const collector = createServer((request, response) => {
    if (request.url === '/v1/traces') request.on('data', (chunk: Buffer) => received.push(chunk));
    request.on('end', () => response.end()).resume();
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const telemetry = startTelemetry({ service: 'ingest', instance: 'test', otlpEndpoint, sampleRatio: 1 });
  const ingest = await startIngest({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint },
    overrides: { telemetry },
  });

  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const metadata = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  await ingest.client.publish({ event: { type: 'crawl.page', data: json(1) } }, { metadata });
  const [, trace, span, flags] = (await ingest.last()).message.header('traceparent')?.split('-') ?? [];
  expect([trace, flags]).toEqual([traceId, '01']);
  expect(span).not.toBe('b7ad6b7169203331');

  const unsampled = `00-${traceId}-b7ad6b7169203331-00`;
  await ingest.client.publish(
    { event: { type: 'crawl.page', data: json(1) } },
    { metadata: { traceparent: unsampled } },
  );
  expect((await ingest.last()).message.header('traceparent')).toBe(unsampled);

  await ingest.client.publish({ event: { type: 'made.up', data: json(1) } }).catch(() => {});
  // Refused by their form, their content, before they were read, and by what only ingest knows: each once.
  await ingest.post({ type: 'crawl.page', data: 1, jobid: 'x' });
  await ingest.post({ type: 'crawl.page', data: 1, job_id: '' });
  await ingest.post({ specversion: '1.0', type: 'crawl.page' }, { 'content-type': 'application/cloudevents+json' });
  await ingest.post('{"type":');
  await ingest.post('x', { 'content-type': 'text/plain' });
  await ingest.post(`{"type":"crawl.page","data":"${'x'.repeat(9_000_000)}"}`);
  await ingest.post({ type: 'made.upper', data: 1 });
  await ingest.post({ type: 'crawl.page', data: 1 }, { authorization: 'Bearer nobody' });
  const metrics = await (await fetch(`${ingest.http}/metrics`)).text();
  expect(metrics).toMatch(/grapnel_ingest_events_total\{[^}]*type="crawl.page",result="accepted"[^}]*\} 2/);
  expect(metrics).toMatch(/grapnel_ingest_events_total\{[^}]*type="unknown",result="invalid"[^}]*\} 5/);
  expect(metrics).toMatch(/grapnel_ingest_events_total\{[^}]*type="crawl.page",result="invalid"[^}]*\} 3/);
  expect(metrics).toMatch(/grapnel_ingest_outstanding(\{[^}]*\})? 0/);
  expect(metrics).toContain('grapnel_ingest_accept_duration_count');

  await ingest[Symbol.asyncDispose]();
  await telemetry.stop();
  collector.close();
  const sent = Buffer.concat(received);
  expect(sent.includes('publish crawl.page')).toBe(true);
  expect(sent.includes(Buffer.from(span ?? '', 'hex'))).toBe(true);
  expect(sent.includes('messaging.system')).toBe(true);
});
