import { randomBytes } from 'node:crypto';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import { authenticator, type KeyLookup } from '@grapnel/rpc/auth';
import { startRpcServer } from '@grapnel/rpc/server';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { Readiness } from '@grapnel/runtime/health';
import { type Logger, silentLogger } from '@grapnel/runtime/logger';
import { startOpsServer } from '@grapnel/runtime/ops-server';
import type { RunningApp } from '@grapnel/runtime/run';
import { Semaphore } from '@grapnel/runtime/semaphore';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import { openCheckpoints } from '@grapnel/stream/checkpoints';
import { openStreams } from '@grapnel/stream/open';
import type { SubscriptionConfig } from './config.ts';
import { Directory } from './directory.ts';
import { MAX_DELIVERIES, runFanOut } from './fan-out.ts';
import { apiKeyService } from './grpc/api-key-service.ts';
import { directoryService } from './grpc/directory-service.ts';
import { webhookService } from './grpc/webhook-service.ts';
import { sweepDeleted } from './purge-deleted.ts';
import { runHealth } from './record-health.ts';

export interface SubscriptionOverrides {
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
}

/** Wires the service: the directory in memory, its gRPC API, and the workers that read EVENTS and OUTCOMES. */
export async function createApp(
  config: SubscriptionConfig,
  overrides: SubscriptionOverrides = {},
): Promise<RunningApp> {
  const { clock = systemClock, logger = silentLogger, telemetry = null } = overrides;
  const { names } = config.stream;
  await using stack = new AsyncDisposableStack();
  const { streams, connections } = stack.use(await openStreams(config.stream, 'subscription', clock, logger));
  const checkpoints = await openCheckpoints(connections.publishing, names.buckets.checkpoints);
  const directory = new Directory(streams, names, logger);
  const entropy = (bytes: number): Uint8Array => randomBytes(bytes);

  const stop = new AbortController();
  const { signal } = stop;
  const common = { directory, webhooks: directory, streams, names, clock, logger, entropy };
  const following = directory.follow(signal);
  await directory.caughtUp();
  const workers = [
    following,
    runFanOut({ ...common, slots: new Semaphore(MAX_DELIVERIES) }, signal),
    runHealth({ ...common, checkpoints }, signal),
    sweepDeleted(common, signal),
  ];
  stack.defer(async () => void (await Promise.all(workers)));

  const readiness = new Readiness();
  readiness.add('streams', () => streams.problem());
  const { host, opsPort } = config.common;
  const ops = stack.use(await startOpsServer({ host, port: opsPort, readiness, telemetry }));
  const server = stack.use(
    await startRpcServer({
      host,
      port: config.grpcPort,
      tls: config.rpc.tls,
      logger,
      authenticate: authenticator(config.rpc.serviceToken, ownKeys(directory)),
      services: [
        webhookService({
          ...common,
          keyRing: config.keyRing,
          urlPolicy: { allowLocal: config.allowLocalWebhooks },
          brand: config.brand,
          maxWebhooksPerTenant: config.maxWebhooksPerTenant,
        }),
        apiKeyService(common),
        directoryService(directory),
      ],
    }),
  );
  // Last in, first out: not ready, no new calls, workers end, connections drain.
  stack.defer(() => {
    readiness.beginStop();
    stop.abort();
  });
  const running = stack.move();
  return {
    addresses: { grpc: server.address, ops: ops.url },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const ownKeys =
  (directory: Directory): KeyLookup =>
  (key) => {
    const found = directory.keyByHash(hashApiKey(key));
    if (found === null) return { ok: false, refusal: 'Invalid API key' };
    if (found.key.revokedAt !== null) return { ok: false, refusal: 'API key is inactive' };
    return { ok: true, tenant: found.key.tenant };
  };
