import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import { WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { type Topology, topology } from '@grapnel/contracts/topology';
import { createApp as createDispatcher } from '@grapnel/dispatcher/app';
import { readConfig as readDispatcherConfig } from '@grapnel/dispatcher/config';
import { ownerOf, partitionOf } from '@grapnel/domain/partition';
import { type Channel, openChannel } from '@grapnel/rpc/client';
import { systemClock } from '@grapnel/runtime/clock';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import type { RunningApp } from '@grapnel/runtime/run';
import { readStreamConfig } from '@grapnel/stream/config';
import { type OpenStreams, openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, type ProvisionOptions, provision } from '@grapnel/stream/provision';
import { createApp as createSubscription } from '@grapnel/subscription/app';
import { readConfig as readSubscriptionConfig } from '@grapnel/subscription/config';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';

export const SERVICE_TOKEN = randomBytes(24).toString('base64url');
const KEYRING = `test:${randomBytes(32).toString('base64')}`;

/** What every service of a test is told; tests add to it. */
export type TestEnv = Readonly<Record<string, string>>;

/** The streams of one test and the environment that its services share. */
export interface Ground extends AsyncDisposable {
  readonly env: TestEnv;
  readonly names: Topology;
  readonly open: OpenStreams;
}

export interface GroundOptions {
  readonly provision?: Partial<ProvisionOptions>;
  readonly env?: TestEnv;
  /** Default: the nats-server of the test run. */
  readonly nats?: string;
}

/** Streams of its own, so that tests do not see each other. */
export async function prepareGround(options: GroundOptions = {}): Promise<Ground> {
  const prefix = testPrefix();
  const env = {
    GRAPNEL_MODE: 'development',
    NATS_URL: options.nats ?? natsUrl(),
    GRAPNEL_STREAM_PREFIX: prefix.stream,
    GRAPNEL_SUBJECT_PREFIX: prefix.subject,
    GRAPNEL_PARTITIONS: '4',
    GRAPNEL_SERVICE_TOKEN: SERVICE_TOKEN,
    GRAPNEL_KEYRING: KEYRING,
    GRAPNEL_OPS_PORT: '0',
    ALLOW_LOCAL_WEBHOOKS: 'true',
    GRAPNEL_TIME_SCALE: '60',
    GRAPNEL_ACK_WAIT_MS: '4000',
    ...options.env,
  };
  const config = readStreamConfig(new EnvReader(env));
  const names = topology(prefix, config.names.partitions);
  const open = await openStreams(config, 'test', systemClock, silentLogger);
  await provision(open.connections.publishing, names, {
    ...DEFAULT_PROVISION,
    ackWaitMs: Number(env.GRAPNEL_ACK_WAIT_MS),
    ...options.provision,
  });
  return { env, names, open, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}

export const startSubscription = (env: TestEnv): Promise<RunningApp> =>
  createSubscription(readSubscriptionConfig({ SUBSCRIPTION_GRPC_PORT: '0', ...env }));

export const startDispatcher = (env: TestEnv, instance = 'dispatcher-1'): Promise<RunningApp> =>
  createDispatcher(readDispatcherConfig({ DELIVERY_GRPC_PORT: '0', GRAPNEL_INSTANCE: instance, ...env }));

/** A new tenant with a key of its own. */
export async function newTenant(subscription: Channel): Promise<{ readonly tenant: string; readonly apiKey: string }> {
  const tenant = `t${randomBytes(4).toString('hex')}`;
  const { key } = await subscription.client(ApiKeyService).createApiKey({ tenant });
  return { tenant, apiKey: key };
}

/** The subscription service as a service calls it, for one tenant. */
export function webhooksOf(subscription: Channel, tenant: string) {
  const client = subscription.client(WebhookService);
  return { client, as: { metadata: { 'grapnel-tenant': tenant } } };
}

export const channelTo = (app: RunningApp): Channel =>
  openChannel({ address: app.addresses['grpc'] ?? '', token: SERVICE_TOKEN });

/** Waits for something that the services do by themselves. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, false | null | undefined>;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}

/** Makes webhooks, each at a path of its own, until one is in a partition that the last of the dispatchers takes over as it comes. */
export async function webhookTakenOver(
  dispatchers: readonly string[],
  { names: { partitions } }: Pick<Ground, 'names'>,
  create: (path: string) => Promise<{ readonly id: string }>,
): Promise<{ readonly id: string; readonly path: string }> {
  for (let n = 0; ; n++) {
    const path = `/taken-over-${n}`;
    const { id } = await create(path);
    if (ownerOf(String(partitionOf(id, partitions)), dispatchers) === dispatchers.at(-1)) return { id, path };
  }
}
