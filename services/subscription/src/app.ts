import { randomBytes } from 'node:crypto';
import type { RegisteredType } from '@grapnel/domain/event-type/event-type';
import type { Replay } from '@grapnel/domain/replay/replay';
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
import { WebhookConditions, webhookConditionProblem } from './conditions.ts';
import type { SubscriptionConfig } from './config.ts';
import { MAX_DELIVERIES } from './deliver-event.ts';
import { Directory } from './directory.ts';
import { systemResolve } from './endpoint-names.ts';
import { KnownTypes } from './event-types/known-types.ts';
import { runFanOut } from './fan-out.ts';
import { followStream } from './follow-stream.ts';
import { apiKeyService } from './grpc/api-key-service.ts';
import { directoryService } from './grpc/directory-service.ts';
import { eventTypeService } from './grpc/event-type-service.ts';
import { replayService } from './grpc/replay-service.ts';
import { setAsideService } from './grpc/set-aside-service.ts';
import { triggerDirectoryService } from './grpc/trigger-directory-service.ts';
import { triggerService } from './grpc/trigger-service.ts';
import { webhookService } from './grpc/webhook-service.ts';
import { Lookalikes } from './lookalikes.ts';
import { operationsOfOutcomes, runOperationsOfWebhooks } from './operational-events.ts';
import { outcomeFacts } from './outcome-facts.ts';
import { sweepDeleted } from './purge-deleted.ts';
import { healthPart } from './record-health.ts';
import { openReplays } from './replays/open-replays.ts';
import type { ReplayTurn } from './replays/turn.ts';
import { SetAside } from './set-aside.ts';
import { sweepJobs } from './sweep-jobs.ts';
import { sweepTombstones } from './tombstones.ts';
import { triggerPolicy } from './triggers.ts';

const DAY_MS = 86_400_000;

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
  const conditions = new WebhookConditions();
  const { keyRing } = config;
  const common = { keyRing, directory, webhooks: directory, streams, names, clock, logger, entropy, conditions };
  const delivering = { ...common, slots: new Semaphore(MAX_DELIVERIES), lookalikes: new Lookalikes() };
  const following = directory.follow(signal);
  await directory.caughtUp();
  const types = directory.records<RegisteredType>('event_type');
  const known = new KnownTypes(types);
  const replays = directory.records<Replay>('replay');
  const turns = directory.records<ReplayTurn>('replay_turn');
  const replaying = openReplays(
    config,
    // Of this process alone: one that is started again under the same name must not think that it has a replay already.
    { ...common, replays, turns, runner: `${config.common.instance}:${randomBytes(6).toString('hex')}` },
    stack,
    signal,
  );
  const operations = { ...common, checkpoints, operatorTenant: config.operatorTenant };
  const followOutcomes = followStream(
    {
      stream: names.streams.outcomes,
      headersOnly: true,
      prepare: (batch) => outcomeFacts(batch, common),
      parts: [healthPart(common), operationsOfOutcomes(operations, signal)],
    },
    operations,
    signal,
  );
  const workers = [
    following,
    runFanOut({ ...delivering, setAside: new SetAside(common) }, signal),
    followOutcomes,
    runOperationsOfWebhooks(operations, signal),
    sweepDeleted(common, signal),
    sweepJobs({ ...common, keepMs: config.jobWebhookDays * DAY_MS }, signal),
    sweepTombstones({ ...common, keepMs: config.tombstoneDays * DAY_MS }, signal),
    ...(replaying === null ? [] : [replaying]),
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
          known,
          policy: {
            allowLocal: config.allowLocalWebhooks,
            conditionProblem: webhookConditionProblem,
            types: known,
          },
          resolve: systemResolve,
          brand: config.brand,
          maxWebhooksPerTenant: config.maxWebhooksPerTenant,
          maxWebhooksPerJob: config.maxWebhooksPerJob,
        }),
        apiKeyService(common),
        replayService({
          ...common,
          replays,
          turns,
          known,
          possible: replaying !== null,
          defaultRatePerSecond: config.replayRatePerSecond,
        }),
        directoryService(directory),
        eventTypeService({ ...common, types, known }),
        triggerService({ ...common, policy: triggerPolicy(config.allowLocalWebhooks) }),
        triggerDirectoryService(common),
        setAsideService(delivering),
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
