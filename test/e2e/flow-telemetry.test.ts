import { startTelemetry } from '@grapnel/runtime/telemetry';
import { expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { Platform } from '../support/platform.ts';
import { TestTrigger } from '../support/triggers.ts';

it('NB-08 flows are counted, and have spans under the caller’s trace', async () => {
  await using collector = await OtlpCollector.start();
  const telemetry = startTelemetry({ service: 'test', instance: 'test', otlpEndpoint: collector.url, sampleRatio: 1 });
  await using platform = await Platform.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  const steps = [
    { type: 'condition', expression: 'true' },
    { type: 'call_out', url: platform.receiver.url('/seen') },
  ];
  const trigger = await TestTrigger.create(platform, { mode: 'synchronous', steps });
  const traceId = '1af7651916cd43dd8448eb211c80319c';
  const caller = 'b7ad6b7169203331';
  expect((await trigger.call({}, { traceparent: `00-${traceId}-${caller}-01` })).status).toBe(200);
  const [request] = platform.receiver.requestsTo('/seen');
  expect(request?.header('traceparent')).toMatch(new RegExp(`^00-${traceId}-`));

  const metrics = await telemetry.prometheus();
  expect(metrics).toMatch(/grapnel_flows_started_total\{[^}]*mode="synchronous"[^}]*\} 1/);
  expect(metrics).toMatch(/grapnel_flows_steps_total\{[^}]*kind="call_out"[^}]*\} 1/);
  expect(metrics).toMatch(/grapnel_flows_ended_total\{[^}]*status="completed"[^}]*\} 1/);

  await telemetry.stop();
  const spans = await until('the spans', () => {
    const mine = collector.spans.filter((span) => span.traceId === traceId);
    return mine.some(({ name }) => name === 'run flow') && mine;
  });
  const flow = spans.find(({ name }) => name === 'run flow');
  expect(flow?.parentSpanId).toBe(caller);
  expect(spans.find(({ name }) => name === 'call out POST')?.parentSpanId).toBe(flow?.spanId);
});
