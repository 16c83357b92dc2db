import type { ConnectionOptions } from '@grapnel/db/connection';
import { openDatabase } from '@grapnel/db/database';
import { authenticator } from '@grapnel/rpc/auth';
import { openChannel } from '@grapnel/rpc/client';
import { KeyDirectory } from '@grapnel/rpc/key-directory';
import { startRpcServer } from '@grapnel/rpc/server';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { Readiness } from '@grapnel/runtime/health';
import { type Logger, silentLogger } from '@grapnel/runtime/logger';
import { startOpsServer } from '@grapnel/runtime/ops-server';
import type { RunningApp } from '@grapnel/runtime/run';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import { openStreams } from '@grapnel/stream/open';
import type { ProjectorConfig } from './config.ts';
import { projectionService } from './grpc/projection-service.ts';
import { queryService } from './grpc/query-service.ts';
import { ProjectionMetrics } from './metrics.ts';
import { PostgresControl } from './postgres/control.ts';
import { PostgresHistory } from './postgres/history.ts';
import { DatabaseProbe } from './postgres/probe.ts';
import { PostgresReadModel } from './postgres/read-model.ts';
import type { Tables } from './postgres/tables.ts';
import { runProjector } from './project/projector.ts';
import { sourcesOf } from './project/sources.ts';
import { Tail } from './tail/tail.ts';

export interface ProjectorOverrides {
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
}

/** A deletion or a migration of a large history is one statement. */
const WRITER_STATEMENT_TIMEOUT_MS = 600_000;

/** Wires the service: the projection in the background, the queries and the live tail in front. Postgres may be away. */
export async function createApp(config: ProjectorConfig, overrides: ProjectorOverrides = {}): Promise<RunningApp> {
  const { clock = systemClock, logger = silentLogger, telemetry = null } = overrides;
  const { host, opsPort, instance } = config.common;
  const { url, maxConnections, statementTimeoutMs } = config.database;
  const sources = sourcesOf(config.stream.names);
  await using stack = new AsyncDisposableStack();
  const { streams } = stack.use(await openStreams(config.stream, 'projector', clock, logger));
  const asking = { url, maxConnections, statementTimeoutMs, applicationName: `grapnel-query ${instance}` };
  const database = stack.use(openDatabase<Tables>(asking));
  const writing: ConnectionOptions = {
    url,
    statementTimeoutMs: WRITER_STATEMENT_TIMEOUT_MS,
    applicationName: `grapnel-projector ${instance}`,
  };
  const metrics = stack.use(new ProjectionMetrics());
  const channel = stack.use(
    openChannel({ address: config.subscription, token: config.rpc.serviceToken, tls: config.rpc.tls }),
  );
  const keys = stack.use(new KeyDirectory(channel, clock, logger));

  const stop = new AbortController();
  const { signal } = stop;
  const probe = new DatabaseProbe();
  const { retentionDays } = config;
  const workers = [
    probe.run(database, clock, signal),
    runProjector(
      { streams, sources, names: config.stream.names, retentionDays, clock, logger, metrics },
      new PostgresReadModel(writing),
      signal,
    ),
  ];
  stack.defer(async () => {
    stop.abort();
    await Promise.all(workers);
  });

  const readiness = new Readiness();
  readiness.add('streams', () => streams.problem());
  readiness.add('postgres', () => probe.problem());
  readiness.add('keys', () => keys.problem());
  const ops = stack.use(await startOpsServer({ host, port: opsPort, readiness, telemetry }));
  const control = new PostgresControl(database, writing);
  const server = stack.use(
    await startRpcServer({
      host,
      port: config.grpcPort,
      tls: config.rpc.tls,
      logger,
      authenticate: authenticator(config.rpc.serviceToken, keys.lookUp),
      services: [
        queryService({
          history: new PostgresHistory(database, maxConnections, clock),
          tail: new Tail(streams, config.stream.names, signal),
          clock,
        }),
        projectionService({ streams, sources, control, clock }),
      ],
    }),
  );
  // Last in, first out: not ready, tails end, no new calls, the batch under way is written, connections close.
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
