import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEmbeddedEnv } from './config.ts';
import { assertPortFree, freePort, portInUse } from './free-port.ts';
import { compareVersions, readNatsVersion } from './nats-version.ts';
import { forgetServer, recordServer, stopOrphan } from './orphan.ts';
import { type ServerExit, ServerProcess } from './server-process.ts';
import { type OnProgress, SetupError } from './setup-error.ts';

export interface NatsOptions {
  /** Path of nats-server, from `findNatsServer`. */
  readonly binary: string;
  /** JetStream's files, the configuration and the log live here; made when missing. */
  readonly storeDir: string;
  /** Client port on 127.0.0.1; 0 or absent takes a free one. */
  readonly port?: number;
  /** Port of the HTTP monitoring endpoint on 127.0.0.1; absent means none. */
  readonly monitorPort?: number;
  /** Largest message in bytes. Default 8 MB. */
  readonly maxPayload?: number;
  /** fsync every write before it is acknowledged (nats-server ≥ 2.10). Default: the server's own interval. */
  readonly syncAlways?: boolean;
  readonly onExit?: (exit: ServerExit) => void;
  readonly onProgress?: OnProgress;
}

export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** Orderly stop; resolves when the process is gone. Idempotent. */
  stop(): Promise<void>;
  /** As an accident would end it; default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** JetStream opens its listener only after it has recovered its files, which takes a while for a large store. */
const READY_TIMEOUT_MS = 120_000;
const DEFAULT_MAX_PAYLOAD = 8 * 1024 * 1024;
/** How often another free port is tried when somebody else took the first. */
const PORT_ATTEMPTS = 3;

/** Starts a nats-server with JetStream on loopback and waits until it answers. */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const storeDir = resolve(options.storeDir);
  const onProgress = options.onProgress ?? (() => undefined);
  const recordFile = join(storeDir, 'server.json');
  await mkdir(storeDir, { recursive: true });
  await stopOrphan({
    recordFile,
    folder: storeDir,
    name: 'nats-server',
    signals: ['SIGTERM'],
    onProgress,
  });
  if (options.syncAlways === true) await requireSyncAlways(options.binary);
  if (options.monitorPort) await assertPortFree(options.monitorPort, 'NATS monitoring');
  for (let attempt = 1; ; attempt += 1) {
    if (options.port) await assertPortFree(options.port, 'NATS');
    const port = options.port || (await freePort());
    const outcome = await tryStart(options, storeDir, port, recordFile);
    if (outcome !== 'port taken') return handle(outcome, port, recordFile);
    if (options.port || attempt === PORT_ATTEMPTS) throw new SetupError(portInUse(port, 'NATS'));
  }
}

async function tryStart(
  options: NatsOptions,
  storeDir: string,
  port: number,
  recordFile: string,
): Promise<ServerProcess | 'port taken'> {
  const serverName = `grapnel-${randomUUID()}`;
  const configFile = join(storeDir, 'nats.conf');
  await writeFile(configFile, configText(options, storeDir, port, serverName));
  const server = await ServerProcess.spawn({
    command: options.binary,
    args: ['--config', configFile],
    logFile: join(storeDir, 'nats.log'),
    stopSteps: [{ signal: 'SIGTERM', patienceMs: 10_000 }],
    deathSignal: 'TERM',
    env: { GOMAXPROCS: readEmbeddedEnv().goMaxProcs ?? String(natsThreads()) },
    onExit: options.onExit,
  });
  await recordServer(recordFile, server.pid);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (server.exit === undefined) {
    if ((await serverNameAt(port)) === serverName) return server;
    if (performance.now() > deadline) {
      await server.stop();
      throw new Error(`nats-server did not answer within ${READY_TIMEOUT_MS / 1000} s: ${server.logTail()}`);
    }
    await sleep(10);
  }
  if (server.logTail().includes('address already in use')) return 'port taken';
  throw new Error(`nats-server ended while starting: ${server.logTail()}`);
}

/**
 * Half of the machine, which it shares with all services and Postgres. With a thread for every core it wakes another one
 * for most of what it passes on, and on two cores that alone cost an eighth of all deliveries.
 */
const natsThreads = (): number => Math.max(1, Math.floor(availableParallelism() / 2));

function handle(server: ServerProcess, port: number, recordFile: string): NatsServer {
  const stop = async (): Promise<void> => {
    await server.stop();
    await forgetServer(recordFile);
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop,
    kill: (signal) => server.kill(signal),
    [Symbol.asyncDispose]: stop,
  };
}

function configText(options: NatsOptions, storeDir: string, port: number, serverName: string): string {
  const lines = [
    `server_name: ${JSON.stringify(serverName)}`,
    `listen: "127.0.0.1:${port}"`,
    ...(options.monitorPort ? [`http: "127.0.0.1:${options.monitorPort}"`] : []),
    `max_payload: ${options.maxPayload ?? DEFAULT_MAX_PAYLOAD}`,
    // Of one connection: a window of large bodies must not be taken for a client that has stopped reading.
    'max_pending: 256MB',
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeDir)}`,
    ...(options.syncAlways === true ? ['  sync_interval: always'] : []),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** The name in the INFO line a nats-server sends to whoever connects, or undefined when none is there. */
function serverNameAt(port: number): Promise<string | undefined> {
  const { promise, resolve: done } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 });
  let received = '';
  const finish = (name: string | undefined): void => {
    socket.destroy();
    done(name);
  };
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
    if (received.includes('\r\n')) finish(/"server_name":"([^"]+)"/.exec(received)?.[1]);
  });
  socket.on('error', () => finish(undefined));
  socket.on('timeout', () => finish(undefined));
  socket.on('close', () => finish(undefined));
  return promise;
}

async function requireSyncAlways(binary: string): Promise<void> {
  const version = (await readNatsVersion(binary)) ?? '0.0.0';
  if (compareVersions(version, '2.10.0') >= 0) return;
  throw new SetupError(`Syncing every write needs nats-server 2.10 or newer; ${binary} is ${version}.`);
}
