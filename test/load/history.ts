import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topology } from '@grapnel/contracts/topology';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { startPostgres } from '@grapnel/embedded/postgres';
import { createDatabase } from '@grapnel/embedded/postgres-database';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { roundTrips } from '@grapnel/projector/testing/bare';
import { fillHistory } from '@grapnel/projector/testing/fill';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { profiling } from '../support/process-platform.ts';
import { Histogram } from './histogram.ts';
import { askingFigures } from './history-asking.ts';
import { fillOutcomes, projectingFigures } from './history-projecting.ts';
import type { Bench, Figure } from './report.ts';
import { type ServiceProcess, startService } from './service-process.ts';

/** Of Postgres: the usual quarter of a small server's memory, as one would give it for so large a history. */
const SETTINGS = { shared_buffers: '2GB' };
/** As long as the history is kept by default. */
const DAYS = 30;

/** The projector alone: how fast outcomes become rows, and how fast a large history answers. */
export const history: Bench = async ({ quick, log }) => {
  const [outcomes, deliveries, times] = quick ? [20_000, 500_000, 200] : [200_000, 10_000_000, 1_000];
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // Postgres may run as another user, who has to get through this folder.
  await chmod(folder, 0o711);
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
  const nats = stack.use(await startNats({ binary, storeDir: join(folder, 'nats') }));
  const dataDir = join(folder, 'postgres');
  const postgres = stack.use(await startPostgres({ dataDir, settings: SETTINGS, onProgress: log }));
  const names = topology();
  const open = stack.use(
    await openStreams({ servers: [nats.url], user: null, password: null, names }, 'bench', systemClock, silentLogger),
  );
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const token = randomBytes(24).toString('base64url');
  const project = (databaseUrl: string): Promise<ServiceProcess> =>
    startService('projector', projectorEnv(nats.url, databaseUrl, token), profiling());

  const figures: Figure[] = [];
  log(`filling OUTCOMES with ${outcomes.toLocaleString('en-US')} …`);
  await fillOutcomes(open.streams, names, outcomes);
  log('letting the projector loose …');
  const databaseUrl = await createDatabase(postgres.url, 'projected');
  {
    await using projector = await project(databaseUrl);
    const pids = { projector: projector.pid, postgres: postgres.pid, nats: nats.pid };
    figures.push(...(await projectingFigures({ projector, token, databaseUrl, pids, count: outcomes })));
  }

  log(`filling the history with ${deliveries.toLocaleString('en-US')} deliveries over ${DAYS} days …`);
  const now = Math.floor(performance.timeOrigin + performance.now());
  await fillHistory(databaseUrl, { deliveries, days: DAYS, now, onProgress: log });
  log('asking …');
  const byKey = new Histogram();
  for (const latency of await roundTrips(databaseUrl, times)) byKey.record(latency);
  figures.push(
    { name: 'limit: one row by its key, p50', value: byKey.quantile(0.5), unit: 'ms' },
    { name: 'limit: one row by its key, p99', value: byKey.quantile(0.99), unit: 'ms' },
  );
  await using projector = await project(databaseUrl);
  const pids = { projector: projector.pid, postgres: postgres.pid };
  figures.push(...(await askingFigures({ address: projector.addresses['grpc'] ?? '', token, now, times, pids, log })));
  return {
    name: `history: ${outcomes.toLocaleString('en-US')} outcomes projected, ${deliveries.toLocaleString('en-US')} deliveries asked about`,
    figures,
    notes: ['CPU of a question: projector and Postgres together.'],
  };
};

const projectorEnv = (nats: string, databaseUrl: string, token: string): Record<string, string> => ({
  ...{ GRAPNEL_MODE: 'development', NATS_URL: nats, GRAPNEL_SERVICE_TOKEN: token, DATABASE_URL: databaseUrl },
  // Nobody is there: keys are not needed by services.
  ...{ GRAPNEL_OPS_PORT: '0', QUERY_GRPC_PORT: '0', SUBSCRIPTION_GRPC: '127.0.0.1:1', LOG_LEVEL: 'error' },
});
