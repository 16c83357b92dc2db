import { isTenantId, type TenantId } from '@grapnel/domain/ids';
import { REPLAY_LIMITS } from '@grapnel/domain/replay/check-filter';
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
  readonly maxWebhooksPerJob: number;
  /** How long a job may take, and how long its webhook is kept after it. */
  readonly jobWebhookDays: number;
  /** How long it is remembered that something was deleted. */
  readonly tombstoneDays: number;
  /** Hears of every tenant's operational events; `null`: nobody beside the tenants. */
  readonly operatorTenant: TenantId | null;
  /** `host:port` of the delivery history and of a dispatcher; without them there are no bulk replays. */
  readonly query: string | null;
  readonly delivery: string | null;
  /** Deliveries a second of a bulk replay that does not say otherwise. */
  readonly replayRatePerSecond: number;
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
    maxWebhooksPerJob: env.integer('GRAPNEL_MAX_WEBHOOKS_PER_JOB', 20, { min: 1, max: 10_000 }),
    jobWebhookDays: env.integer('GRAPNEL_JOB_WEBHOOK_DAYS', 30, { min: 1, max: 365 }),
    tombstoneDays: env.integer('GRAPNEL_TOMBSTONE_DAYS', 35, { min: 31, max: 3_650 }),
    operatorTenant: readOperatorTenant(env),
    query: env.optional('QUERY_GRPC'),
    delivery: env.optional('DELIVERY_GRPC'),
    replayRatePerSecond: env.integer('GRAPNEL_REPLAY_RATE', 200, REPLAY_LIMITS.ratePerSecond),
  };
  env.done();
  return config;
}

function readOperatorTenant(env: EnvReader): TenantId | null {
  const tenant = env.optional('GRAPNEL_OPERATOR_TENANT');
  if (tenant === null || isTenantId(tenant)) return tenant;
  env.problem(`GRAPNEL_OPERATOR_TENANT is "${tenant}"; it may be 1 to 64 of a-z, 0-9, _ and -`);
  return null;
}
