import { readTls } from '@grapnel/rpc/config';
import type { TlsFiles } from '@grapnel/rpc/tls';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';
import { DEFAULT_PROVISION, type ProvisionOptions } from '@grapnel/stream/provision';

/** Where the services of a platform answer, by the names of `runtime.json`. */
export type AddressName = 'gateway' | 'ingestGrpc' | 'subscriptionGrpc' | 'queryGrpc';

/** The variable that names each address; the services use the same ones for each other. */
export const ADDRESS_VARIABLES: Readonly<Record<AddressName, string>> = {
  gateway: 'GRAPNEL_URL',
  ingestGrpc: 'INGEST_GRPC',
  subscriptionGrpc: 'SUBSCRIPTION_GRPC',
  queryGrpc: 'QUERY_GRPC',
};

/** What the environment says about the platform to talk to. */
export interface ConnectionEnv {
  readonly addresses: Readonly<Record<AddressName, string | null>>;
  readonly apiKey: string | null;
  readonly serviceToken: string | null;
  readonly tls: TlsFiles;
}

/** @throws ConfigError */
export function readConnectionEnv(source: EnvSource): ConnectionEnv {
  const env = new EnvReader(source);
  const address = (name: AddressName): string | null => env.optional(ADDRESS_VARIABLES[name]);
  const read = {
    addresses: {
      gateway: address('gateway'),
      ingestGrpc: address('ingestGrpc'),
      subscriptionGrpc: address('subscriptionGrpc'),
      queryGrpc: address('queryGrpc'),
    },
    apiKey: env.optional('GRAPNEL_API_KEY'),
    serviceToken: env.optional('GRAPNEL_SERVICE_TOKEN'),
    tls: readTls(env, false),
  };
  env.done();
  return read;
}

const DAY_MS = 86_400_000;

/** @throws ConfigError */
export function readProvisionEnv(source: EnvSource): {
  readonly stream: StreamConfig;
  readonly options: ProvisionOptions;
} {
  const env = new EnvReader(source);
  const usual = DEFAULT_PROVISION;
  const days = (name: string, fallbackMs: number): number =>
    env.number(name, fallbackMs / DAY_MS, { min: 0.01, max: 3_650 }) * DAY_MS;
  const stream = readStreamConfig(env);
  const read = {
    stream,
    options: {
      replicas: env.integer('GRAPNEL_STREAM_REPLICAS', usual.replicas, { min: 1, max: 5 }),
      eventDedupeMs: env.integer('GRAPNEL_EVENT_DEDUPE_MS', usual.eventDedupeMs, { min: 100, max: DAY_MS }),
      ackWaitMs: env.integer('GRAPNEL_ACK_WAIT_MS', usual.ackWaitMs, { min: 1_000, max: 300_000 }),
      eventsMaxAgeMs: days('GRAPNEL_EVENTS_DAYS', usual.eventsMaxAgeMs),
      deliveriesMaxAgeMs: days('GRAPNEL_DELIVERIES_DAYS', usual.deliveriesMaxAgeMs),
      outcomesMaxAgeMs: days('GRAPNEL_OUTCOMES_DAYS', usual.outcomesMaxAgeMs),
      executionsMaxAgeMs: days('GRAPNEL_EXECUTIONS_DAYS', usual.executionsMaxAgeMs),
      batches: stream.batches ?? usual.batches,
    },
  };
  env.done();
  return read;
}
