import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

export interface TelemetryOptions {
  readonly service: string;
  readonly instance: string;
  /** OTLP over HTTP, e.g. `http://collector:4318`; `null` keeps traces off and metrics to Prometheus alone. */
  readonly otlpEndpoint: string | null;
  /** Share of new traces that are recorded, 0 to 1; a caller's decision is always followed. */
  readonly sampleRatio: number;
}

export interface Telemetry {
  /** The metrics of this process in Prometheus' text format. */
  prometheus(): Promise<string>;
  /** Sends what is buffered and stops. */
  stop(): Promise<void>;
}

/** Starts OpenTelemetry for the process; call once, before anything asks for a tracer or a meter. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const scraped = new PrometheusExporter({ preventServerStart: true });
  const { otlpEndpoint } = options;
  const pushed =
    otlpEndpoint === null
      ? []
      : [
          new PeriodicExportingMetricReader({
            exporter: new OTLPMetricExporter({ url: `${otlpEndpoint}/v1/metrics` }),
          }),
        ];
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': `grapnel-${options.service}`,
      'service.namespace': 'grapnel',
      'service.instance.id': options.instance,
    }),
    autoDetectResources: false,
    instrumentations: [],
    metricReaders: [scraped, ...pushed],
    sampler: new ParentBasedSampler({
      root: otlpEndpoint === null ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(options.sampleRatio),
    }),
    spanProcessors:
      otlpEndpoint === null
        ? []
        : [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces` }) })],
  });
  sdk.start();
  const serializer = new PrometheusSerializer();
  return {
    async prometheus() {
      const { resourceMetrics } = await scraped.collect();
      return serializer.serialize(resourceMetrics);
    },
    stop: () => sdk.shutdown().finally(() => metrics.disable()),
  };
}
