import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertPortFree, freePort, portInUse } from './free-port.ts';
import { forgetServer, recordServer, stopOrphan } from './orphan.ts';
import { clusterPassword, ensureCluster, POSTGRES_USER } from './postgres-cluster.ts';
import { type PostgresPlace, placePostgres } from './postgres-place.ts';
import { findProcess } from './process-table.ts';
import { type ServerExit, ServerProcess } from './server-process.ts';
import { type OnProgress, SetupError } from './setup-error.ts';

export interface PostgresOptions {
  /** The cluster's folder; made on first use. Its password is kept beside it in `<dataDir>.password`. */
  readonly dataDir: string;
  /** Port on 127.0.0.1; 0 or absent takes a free one. */
  readonly port?: number;
  /** Server settings beside or instead of the development defaults, e.g. `{ max_connections: '300' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onProgress: OnProgress;
  readonly onExit?: (exit: ServerExit) => void;
}

export interface PostgresServer extends AsyncDisposable {
  /** Of the maintenance database: `postgres://grapnel:<password>@127.0.0.1:<port>/postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** Fast shutdown (open transactions are rolled back); resolves when the process is gone. Idempotent. */
  stop(): Promise<void>;
  /** As an accident would end it; default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const DEVELOPMENT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '100',
  // A statement over a month of partitions locks each with its indexes; so many a connection of Postgres 18 locks without asking the others.
  max_locks_per_transaction: '256',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '512MB',
  io_method: 'sync',
  jit: 'off',
  TimeZone: 'UTC',
  log_timezone: 'UTC',
};

/** Recovery after a kill replays the log first. */
const READY_TIMEOUT_MS = 120_000;
const PORT_ATTEMPTS = 3;
/** Backends of a killed postmaster notice within moments, and until then hold its shared memory. */
const SHARED_MEMORY_PATIENCE_MS = 15_000;

/** Starts Postgres on loopback, creating the cluster when there is none, and waits until it accepts connections. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const place = await placePostgres(options);
  const recordFile = `${place.dataDir}.server.json`;
  await stopOrphan({
    recordFile,
    folder: place.dataDir,
    name: 'Postgres',
    signals: ['SIGINT', 'SIGQUIT'],
    onProgress: options.onProgress,
  });
  const password = await clusterPassword(place);
  await ensureCluster(place, password, options.onProgress);
  await removeStalePidFile(place.dataDir);
  const sharedMemoryDeadline = performance.now() + SHARED_MEMORY_PATIENCE_MS;
  for (let attempt = 1; ; ) {
    if (options.port) await assertPortFree(options.port, 'Postgres');
    const port = options.port || (await freePort());
    const server = await launch(place, port, options);
    await recordServer(recordFile, server.pid);
    if (await isReady(server, place.dataDir)) return handle(server, port, password, recordFile);
    const log = server.logTail();
    if (log.includes('Address already in use')) {
      if (options.port || attempt === PORT_ATTEMPTS) throw new SetupError(portInUse(port, 'Postgres'));
      attempt += 1;
    } else if (!log.includes('shared memory block') || performance.now() > sharedMemoryDeadline) {
      throw new Error(`Postgres ended while starting: ${log}`);
    }
    await sleep(100);
  }
}

function launch(place: PostgresPlace, port: number, options: PostgresOptions): Promise<ServerProcess> {
  const settings = {
    ...DEVELOPMENT_SETTINGS,
    ...options.settings,
    port: String(port),
  };
  return ServerProcess.spawn({
    command: join(place.bin, 'postgres'),
    args: ['-D', place.dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    logFile: `${place.dataDir}.log`,
    stopSteps: [
      { signal: 'SIGINT', patienceMs: 20_000 },
      { signal: 'SIGQUIT', patienceMs: 10_000 },
    ],
    deathSignal: 'INT',
    identity: place.identity,
    onExit: options.onExit,
  });
}

function handle(server: ServerProcess, port: number, password: string, recordFile: string): PostgresServer {
  const stop = async (): Promise<void> => {
    await server.stop();
    await forgetServer(recordFile);
  };
  return {
    url: `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop,
    kill: (signal) => server.kill(signal),
    [Symbol.asyncDispose]: stop,
  };
}

/** The postmaster writes its state into its pid file; false when it ended instead of becoming ready. */
async function isReady(server: ServerProcess, dataDir: string): Promise<boolean> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (server.exit === undefined) {
    const lines = await pidFileLines(dataDir);
    if (Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready') return true;
    if (performance.now() > deadline) {
      await server.stop();
      throw new Error(`Postgres was not ready within ${READY_TIMEOUT_MS / 1000} s: ${server.logTail()}`);
    }
    await sleep(10);
  }
  return false;
}

/** After a crash the id in the pid file may belong to another program by now, and Postgres would refuse to start. */
async function removeStalePidFile(dataDir: string): Promise<void> {
  const pid = Number((await pidFileLines(dataDir))[0]);
  const running = Number.isNaN(pid) ? undefined : await findProcess(pid);
  if (running?.commandLine.includes(dataDir) === true) {
    throw new SetupError(`Postgres is already running on ${dataDir} (process ${pid}): stop that one first.`);
  }
  await rm(join(dataDir, 'postmaster.pid'), { force: true });
}

async function pidFileLines(dataDir: string): Promise<string[]> {
  return (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
}
