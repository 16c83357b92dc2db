import { type CommonConfig, readCommonConfig } from '@grapnel/runtime/common-config';
import { EnvReader, type EnvSource } from '@grapnel/runtime/env';
import { readStreamConfig, type StreamConfig } from '@grapnel/stream/config';
import { DEFAULT_PROVISION, type ProvisionOptions } from '@grapnel/stream/provision';
import { PORT_NAMES, PORTS, type PortName, type Ports } from './ports.ts';

/** What `grapnel up` takes from the environment. */
export interface UpConfig {
  readonly common: CommonConfig;
  /** 0 for any free one. */
  readonly ports: Ports;
  readonly natsPort: number;
  readonly postgresPort: number;
  /** These replace the embedded servers. */
  readonly natsUrl: string | null;
  readonly databaseUrl: string | null;
  /** The first API key on an empty data directory. */
  readonly apiKey: string | null;
  /** These replace what the data directory keeps. */
  readonly serviceToken: string | null;
  readonly keyRing: string | null;
  /** `null` when the environment says nothing. */
  readonly allowLocalWebhooks: boolean | null;
  readonly timeScale: number | null;
  readonly provision: ProvisionOptions;
  /** fsync every message before it is acknowledged. */
  readonly syncAlways: boolean;
  /** Everything else that the services may read. */
  readonly inherited: EnvSource;
}

/** @throws ConfigError */
export function readUpConfig(source: EnvSource): UpConfig {
  // It is a platform for development; what a service refuses in production is allowed here.
  const env = new EnvReader({ ...source, GRAPNEL_MODE: 'development' });
  const given = (name: string): boolean => env.optional(name) !== null;
  const port = (name: string, usual: number): number => env.integer(name, usual, { min: 0, max: 65_535 });
  const common = readCommonConfig(env);
  const syncAlways = env.boolean('NATS_SYNC_ALWAYS', false);
  // Written to the disk one by one, messages are several times slower than together.
  const batches = env.boolean('GRAPNEL_PUBLISH_BATCHES', syncAlways);
  const config: UpConfig = {
    common,
    ports: Object.fromEntries(
      PORT_NAMES.map((name): [PortName, number] => [name, port(PORTS[name].variable, PORTS[name].usual)]),
    ) as Record<PortName, number>,
    natsPort: port('NATS_PORT', 0),
    postgresPort: port('POSTGRES_PORT', 0),
    natsUrl: env.optional('NATS_URL'),
    databaseUrl: env.optional('DATABASE_URL'),
    apiKey: given('GRAPNEL_API_KEY') ? env.secret('GRAPNEL_API_KEY') : null,
    serviceToken: given('GRAPNEL_SERVICE_TOKEN') ? env.secret('GRAPNEL_SERVICE_TOKEN') : null,
    keyRing: given('GRAPNEL_KEYRING') ? env.secret('GRAPNEL_KEYRING') : null,
    allowLocalWebhooks: given('ALLOW_LOCAL_WEBHOOKS') ? env.boolean('ALLOW_LOCAL_WEBHOOKS', false) : null,
    timeScale: given('GRAPNEL_TIME_SCALE') ? common.timeScale : null,
    provision: {
      ...DEFAULT_PROVISION,
      // The dispatcher reads the same variable: both must mean the same.
      ackWaitMs: env.integer('GRAPNEL_ACK_WAIT_MS', DEFAULT_PROVISION.ackWaitMs, { min: 1_000, max: 300_000 }),
      batches,
    },
    syncAlways,
    inherited: { ...source, GRAPNEL_PUBLISH_BATCHES: String(batches) },
  };
  checkPortsDiffer(env, config.ports);
  env.done();
  return config;
}

/** How the streams are called and where they are, as the services will read it. */
export function streamConfig(config: UpConfig, natsUrl: string): StreamConfig {
  return readStreamConfig(new EnvReader({ ...config.inherited, NATS_URL: natsUrl }));
}

function checkPortsDiffer(env: EnvReader, ports: Ports): void {
  const takenBy = new Map<number, string>();
  for (const name of PORT_NAMES) {
    const { variable } = PORTS[name];
    const other = takenBy.get(ports[name]);
    if (ports[name] !== 0 && other !== undefined) env.problem(`${other} and ${variable} are both ${ports[name]}`);
    takenBy.set(ports[name], variable);
  }
}
