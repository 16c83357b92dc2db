import { randomBytes } from 'node:crypto';
import type { TenantId } from '@grapnel/domain/ids';
import { authenticator, type KeyLookup } from '@grapnel/rpc/auth';
import { openChannel } from '@grapnel/rpc/client';
import { RpcError } from '@grapnel/rpc/errors';
import { KeyDirectory } from '@grapnel/rpc/key-directory';
import { startRpcServer } from '@grapnel/rpc/server';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { Readiness } from '@grapnel/runtime/health';
import { type Logger, silentLogger } from '@grapnel/runtime/logger';
import { startOpsServer } from '@grapnel/runtime/ops-server';
import type { RunningApp } from '@grapnel/runtime/run';
import { SharedPlaces } from '@grapnel/runtime/shared-places';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import { openStreams } from '@grapnel/stream/open';
import { AcceptEvents } from './accept-events.ts';
import { Admission } from './admission.ts';
import type { IngestConfig } from './config.ts';
import { EventTypeDirectory } from './event-types/event-type-directory.ts';
import { executionService } from './grpc/execution-service.ts';
import { ingestService } from './grpc/ingest-service.ts';
import { startHttpEdge } from './http/server.ts';
import { IngestMetrics } from './ingest-metrics.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import type { ApiKeys, EventStore } from './ports.ts';
import { PublishTrace } from './publish-trace.ts';
import { dispatcherCallOuts } from './triggers/call-out-sender.ts';
import { flowConditions } from './triggers/conditions.ts';
import { FlowRunner } from './triggers/flow-runner.ts';
import { runFlows } from './triggers/run-flows.ts';
import { SynchronousFlows } from './triggers/synchronous-flows.ts';
import { TriggerDirectory } from './triggers/trigger-directory.ts';

/** Flows under way in one process whose callers do not wait; one that waits for an answer costs little. */
const MAX_FLOWS = 512;
/** Calls that wait a moment for such a place. */
const MAX_FLOWS_IN_HAND = 256;

export interface IngestOverrides {
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  /** Puts something round the store, e.g. to hold its answers back. */
  readonly aroundStore?: (store: EventStore) => EventStore;
}

/** Wires the service: one use case, fed by a gRPC and an HTTP edge, over the event streams. */
export async function createApp(config: IngestConfig, overrides: IngestOverrides = {}): Promise<RunningApp> {
  const { clock = systemClock, logger = silentLogger, telemetry = null } = overrides;
  const { host, opsPort, otlpEndpoint } = config.common;
  const { serviceToken, tls } = config.rpc;
  const { names } = config.stream;
  const entropy = (bytes: number): Uint8Array => randomBytes(bytes);
  await using stack = new AsyncDisposableStack();

  const { streams } = stack.use(await openStreams(config.stream, 'ingest', clock, logger));
  const channel = stack.use(openChannel({ address: config.subscription, token: serviceToken, tls }));
  const keys = stack.use(new KeyDirectory(channel, clock, logger));

  const types = stack.use(new EventTypeDirectory(channel, clock, logger));

  const admission = new Admission(config.outstanding);
  stack.defer(() => admission.idle());
  const accept = new AcceptEvents({
    store: overrides.aroundStore?.(streams) ?? streams,
    names,
    admission,
    clock,
    entropy,
    metrics: stack.use(new IngestMetrics(admission, types)),
    tracing: new PublishTrace(otlpEndpoint !== null),
    types,
  });

  const triggers = stack.use(new TriggerDirectory(channel, clock, logger));
  const dispatcher = stack.use(openChannel({ address: config.delivery, token: serviceToken, tls }));
  const runner = new FlowRunner({
    streams,
    names,
    clock,
    callOut: dispatcherCallOuts(dispatcher),
    ask: flowConditions(),
    writer: `${config.common.instance}:${randomBytes(6).toString('hex')}`,
  });
  const synchronous = new SynchronousFlows(runner, logger);
  const stop = new AbortController();
  const places = new SharedPlaces<TenantId>(MAX_FLOWS);
  const pauses = new SharedPlaces<TenantId>(MAX_FLOWS_IN_HAND);
  const flows = runFlows({ streams, names, clock, logger, triggers, runner, synchronous, places, pauses }, stop.signal);
  stack.defer(() => flows);
  stack.defer(() => synchronous.idle());
  stack.defer(() => stop.abort());

  const readiness = new Readiness();
  readiness.add('streams', () => streams.problem());
  readiness.add('keys', () => keys.problem());
  readiness.add('event types', () => types.problem());
  readiness.add('triggers', () => triggers.problem());
  const ops = stack.use(await startOpsServer({ host, port: opsPort, readiness, telemetry }));
  const grpc = await startRpcServer({
    host,
    port: config.grpcPort,
    tls,
    logger,
    maxRequestBytes: MAX_REQUEST_BYTES,
    authenticate: authenticator(serviceToken, onceLoaded(keys)),
    services: [ingestService(accept, config.streamWindow), executionService({ streams, names, runner })],
  });
  stack.use(grpc);
  const http = stack.use(
    await startHttpEdge({
      host,
      port: config.httpPort,
      readiness,
      telemetry,
      accept,
      keys,
      logger,
      triggers: { triggers, accept, flows: synchronous, clock, entropy },
    }),
  );
  // Last in, first out: not ready, the edges finish what they have, the store answers, connections close.
  stack.defer(() => {
    readiness.beginStop();
    grpc.setServing(false);
  });
  const running = stack.move();
  return {
    addresses: { grpc: grpc.address, http: http.url, ops: ops.url },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const KEYS_RETRY_MS = 1_000;

/** Before all keys are known, an unknown one may well be good: that is an outage, not a refusal. */
const onceLoaded =
  (keys: ApiKeys): KeyLookup =>
  (key) => {
    const found = keys.lookUp(key);
    const problem = found.ok ? null : keys.problem();
    if (problem !== null) throw RpcError.unavailable(problem, KEYS_RETRY_MS);
    return found;
  };
