import { type DatabaseConfig, readDatabaseConfig } from '@grapnel/db/config';
import { type RpcConfig, readRpcConfig } from '@grapnel/rpc/config';
import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';
import { DEFAULT_PROVISION } from '@grapnel/stream/provision';
import { DAY_MS } from './project/days.ts';

const MAX_RETENTION_DAYS = Math.floor(DEFAULT_PROVISION.outcomesMaxAgeMs / DAY_MS);

export interface ProjectorConfig {
  readonly common: CommonConfig;
  readonly stream: StreamConfig;
  readonly rpc: RpcConfig;
  readonly database: DatabaseConfig;
  readonly grpcPort: number;
  /** `host:port` of the subscription service, which knows the API keys. */
  readonly subscription: string;
  /** Days of history; never more than OUTCOMES keeps, or a rebuild could not bring them back. */
  readonly retentionDays: number;
}

/** @throws ConfigError */
export function readConfig(source: EnvSource): ProjectorConfig {
  const env = new EnvReader(source);
  const config = {
    common: readCommonConfig(env),
    stream: readStreamConfig(env),
    rpc: readRpcConfig(env),
    database: readDatabaseConfig(env),
    grpcPort: env.integer('QUERY_GRPC_PORT', 8084, { min: 0, max: 65_535 }),
    subscription: env.text('SUBSCRIPTION_GRPC', '127.0.0.1:8083'),
    retentionDays: env.integer('GRAPNEL_HISTORY_DAYS', 30, { min: 1, max: MAX_RETENTION_DAYS }),
  };
  env.done();
  return config;
}
