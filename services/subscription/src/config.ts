import type { KeyRing } from '@grapnel/domain/security/keyring';
import { type RpcConfig, readKeyRing, readRpcConfig } from '@grapnel/rpc/config';
import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';

export interface SubscriptionConfig {
  readonly common: CommonConfig;
  readonly stream: StreamConfig;
  readonly rpc: RpcConfig;
  readonly grpcPort: number;
  /** Seals the secrets at rest. */
  readonly keyRing: KeyRing;
  /** Development only: loopback and private addresses may be endpoints. */
  readonly allowLocalWebhooks: boolean;
  readonly brand: string;
  readonly maxWebhooksPerTenant: number;
}

/** @throws ConfigError */
export function readConfig(source: EnvSource): SubscriptionConfig {
  const env = new EnvReader(source);
  const config = {
    common: readCommonConfig(env),
    stream: readStreamConfig(env),
    rpc: readRpcConfig(env),
    grpcPort: env.integer('SUBSCRIPTION_GRPC_PORT', 8083, { min: 0, max: 65_535 }),
    keyRing: readKeyRing(env),
    allowLocalWebhooks: env.boolean('ALLOW_LOCAL_WEBHOOKS', false),
    brand: env.text('GRAPNEL_BRAND', 'Grapnel'),
    maxWebhooksPerTenant: env.integer('GRAPNEL_MAX_WEBHOOKS_PER_TENANT', 100_000, { min: 1, max: 10_000_000 }),
  };
  env.done();
  return config;
}
