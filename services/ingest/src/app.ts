import { randomBytes } from 'node:crypto';
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
import type { Telemetry } from '@grapnel/runtime/telemetry';
import { openStreams } from '@grapnel/stream/open';
import { AcceptEvents } from './accept-events.ts';
import { Admission } from './admission.ts';
import type { IngestConfig } from './config.ts';
import { ingestService } from './grpc/ingest-service.ts';
import { startHttpEdge } from './http/server.ts';
import { IngestMetrics } from './ingest-metrics.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import type { ApiKeys, EventStore } from './ports.ts';
import { PublishTrace } from './publish-trace.ts';

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
  await using stack = new AsyncDisposableStack();

  const { streams } = stack.use(await openStreams(config.stream, 'ingest', clock, logger));
  const channel = stack.use(openChannel({ address: config.subscription, token: serviceToken, tls }));
  const keys = stack.use(new KeyDirectory(channel, clock, logger));

  const admission = new Admission(config.outstanding);
  stack.defer(() => admission.idle());
  const accept = new AcceptEvents({
    store: overrides.aroundStore?.(streams) ?? streams,
    names: config.stream.names,
    admission,
    clock,
    entropy: (bytes) => randomBytes(bytes),
    metrics: stack.use(new IngestMetrics(admission)),
    tracing: new PublishTrace(otlpEndpoint !== null),
  });

  const readiness = new Readiness();
  readiness.add('streams', () => streams.problem());
  readiness.add('keys', () => keys.problem());
  const ops = stack.use(await startOpsServer({ host, port: opsPort, readiness, telemetry }));
  const grpc = await startRpcServer({
    host,
    port: config.grpcPort,
    tls,
    logger,
    maxRequestBytes: MAX_REQUEST_BYTES,
    authenticate: authenticator(serviceToken, onceLoaded(keys)),
    services: [ingestService(accept, config.streamWindow)],
  });
  stack.use(grpc);
  const http = stack.use(
    await startHttpEdge({ host, port: config.httpPort, readiness, telemetry, accept, keys, logger }),
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
