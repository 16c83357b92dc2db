import { type RpcConfig, readRpcConfig } from '@grapnel/rpc/config';
import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';
import type { AdmissionLimit } from './admission.ts';

export interface IngestConfig {
  readonly common: CommonConfig;
  readonly stream: StreamConfig;
  readonly rpc: RpcConfig;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** `host:port` of the subscription service, which knows the API keys. */
  readonly subscription: string;
  /** `host:port` of the dispatcher, which makes the requests of flows. */
  readonly delivery: string;
  /** Events read and not yet stored, over all callers. */
  readonly outstanding: AdmissionLimit;
  /** Events of one stream that are not yet acknowledged to its producer. */
  readonly streamWindow: number;
}

/** @throws ConfigError */
export function readConfig(source: EnvSource): IngestConfig {
  const env = new EnvReader(source);
  const config = {
    common: readCommonConfig(env),
    stream: readStreamConfig(env),
    rpc: readRpcConfig(env),
    grpcPort: env.integer('INGEST_GRPC_PORT', 8081, { min: 0, max: 65_535 }),
    httpPort: env.integer('INGEST_HTTP_PORT', 8082, { min: 0, max: 65_535 }),
    subscription: env.text('SUBSCRIPTION_GRPC', '127.0.0.1:8083'),
    delivery: env.text('DELIVERY_GRPC', '127.0.0.1:8085'),
    outstanding: {
      events: env.integer('INGEST_MAX_OUTSTANDING_EVENTS', 4_096, { min: 1, max: 1_000_000 }),
      bytes: env.integer('INGEST_MAX_OUTSTANDING_BYTES', 64 * 1_048_576, { min: 1_048_576, max: 16 * 1_073_741_824 }),
    },
    streamWindow: env.integer('INGEST_STREAM_WINDOW', 1_024, { min: 1, max: 100_000 }),
  };
  env.done();
  return config;
}
