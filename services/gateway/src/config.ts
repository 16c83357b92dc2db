import { type RpcConfig, readRpcConfig } from '@grapnel/rpc/config';
import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';

export interface GatewayConfig {
  readonly common: CommonConfig;
  readonly rpc: RpcConfig;
  /** 0 takes a free one. */
  readonly port: number;
  /** `host:port` of the services behind the gateway. */
  readonly services: {
    readonly subscription: string;
    readonly query: string;
    readonly delivery: string;
    readonly ingest: string;
  };
  /** Public base of triggers' URLs, without a slash at its end. */
  readonly triggersUrl: string | null;
  /** How long the answer to a test may wait for what becomes of it. */
  readonly testWaitMs: number;
  readonly tails: {
    /** Open live tails in all; each holds a gRPC stream. */
    readonly max: number;
    readonly maxPerTenant: number;
  };
}

export function readConfig(source: EnvSource): GatewayConfig {
  const env = new EnvReader(source);
  const config: GatewayConfig = {
    common: readCommonConfig(env),
    // It calls, and is not called by gRPC.
    rpc: readRpcConfig(env, false),
    port: env.integer('GATEWAY_PORT', 8080, { min: 0, max: 65_535 }),
    services: {
      subscription: address(env, 'SUBSCRIPTION_GRPC'),
      query: address(env, 'QUERY_GRPC'),
      delivery: address(env, 'DELIVERY_GRPC'),
      ingest: address(env, 'INGEST_GRPC'),
    },
    triggersUrl: baseUrl(env, 'GRAPNEL_TRIGGERS_URL'),
    testWaitMs: env.integer('GATEWAY_TEST_WAIT_MS', 5_000, { min: 0, max: 60_000 }),
    tails: {
      max: env.integer('GATEWAY_MAX_TAILS', 500, { min: 1, max: 100_000 }),
      maxPerTenant: env.integer('GATEWAY_MAX_TAILS_PER_TENANT', 20, { min: 1, max: 100_000 }),
    },
  };
  env.done();
  return config;
}

function baseUrl(env: EnvReader, name: string): string | null {
  const value = env.optional(name);
  if (value === null) return null;
  if (!/^https?:\/\/[^\s?#]+$/.test(value))
    env.problem(`${name} is "${value}"; it may be an http or https URL without a query`);
  return value.replace(/\/+$/, '');
}

function address(env: EnvReader, name: string): string {
  const value = env.text(name);
  if (value !== '' && !/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(value)) {
    env.problem(`${name} is "${value}"; it may be host:port`);
  }
  return value;
}
