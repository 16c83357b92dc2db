import { join } from 'node:path';
import { createDatabase } from '@grapnel/embedded/postgres-database';
import type { Clock } from '@grapnel/runtime/clock';
import { provisionStreams } from '../provision-streams.ts';
import type { Screen } from '../screen.ts';
import { streamConfig, type UpConfig } from './config.ts';
import type { DataDir } from './data-dir.ts';
import { ensureFirstKey } from './first-key.ts';
import { LogFile } from './log-file.ts';
import { choosePorts, type Ports } from './ports.ts';
import { keyAtGateway, keyAtIngest, readyz, until } from './readiness.ts';
import { type Runtime, RuntimeFile } from './runtime-file.ts';
import type { Secrets } from './secrets.ts';
import { embeddedNats, embeddedPostgres } from './servers.ts';
import { peer, type ServiceName, type Surroundings, serviceEnv } from './service-env.ts';
import { startService } from './service-process.ts';
import { serviceLogShown } from './shown-log.ts';
import { Supervised } from './supervised.ts';

export interface PlatformOptions {
  readonly dir: DataDir;
  readonly config: UpConfig;
  readonly secrets: Secrets;
  readonly dispatchers: number;
  readonly allowLocalWebhooks: boolean;
  readonly timeScale: number;
  readonly verbose: boolean;
  readonly screen: Screen;
  readonly clock: Clock;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const DATABASE = 'grapnel';

/** What is stopped before what: first those who take work in, last those who keep it. */
const STOP_ORDER: readonly RegExp[] = [
  /^gateway$/,
  /^ingest$/,
  /^(subscription|dispatcher)/,
  /^projector$/,
  /^postgres$/,
  /^nats$/,
];

/** The servers and services of one data directory, each a supervised process. */
export class Platform {
  readonly #options: PlatformOptions;
  readonly #parts = new Map<string, Supervised>();
  readonly #logs: LogFile[] = [];
  readonly #ops = new Map<string, string>();
  readonly #file: RuntimeFile;
  #runtime: Omit<Runtime, 'pids' | 'ops'> | null = null;
  #announced = false;
  #stopped = false;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.#file = new RuntimeFile(options.dir);
  }

  get timeScale(): number {
    return this.#options.timeScale;
  }

  get allowLocalWebhooks(): boolean {
    return this.#options.allowLocalWebhooks;
  }

  /**
   * Resolves when everything is ready and `runtime.json` is there. When it rejects, {@link stop} ends what has been
   * started.
   */
  async start(signal: AbortSignal): Promise<Runtime> {
    const { config, screen } = this.#options;
    const { host } = config.common;
    const ports = await choosePorts(config.ports, host);
    signal.throwIfAborted();
    const database = this.#startPostgres();
    database.catch(() => undefined);
    const natsUrl = await this.#startNats(signal);
    screen.say('preparing the streams');
    await provisionStreams(streamConfig(config, natsUrl), config.provision);
    signal.throwIfAborted();
    const databaseUrl = await database;
    signal.throwIfAborted();
    this.#runtime = this.#addresses(ports, natsUrl, databaseUrl);
    screen.say('starting the services');
    await this.#startServices({ ...this.#surroundings(ports), natsUrl, databaseUrl }, signal);
    this.#announced = true;
    await this.#changed();
    return this.#current();
  }

  /** In order, each within its time. Resolves when no process is left. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const stage of STOP_ORDER) {
      const parts = [...this.#parts].filter(([name]) => stage.test(name)).map(([, part]) => part);
      await Promise.all(parts.map((part) => part.stop()));
    }
    await this.#file.remove();
    await Promise.all(this.#logs.map((log) => log.close()));
  }

  /** Ends everything at once; {@link stop}, under way or called after, then finds nothing left. */
  kill(): void {
    for (const part of this.#parts.values()) part.kill();
  }

  async #startNats(signal: AbortSignal): Promise<string> {
    const { dir, config, screen } = this.#options;
    if (config.natsUrl !== null) return config.natsUrl;
    const options = { port: config.natsPort, syncAlways: config.syncAlways };
    const server = await embeddedNats(dir, options, (line) => screen.say(line));
    signal.throwIfAborted();
    screen.say('starting nats-server');
    await this.#supervise('nats', () => server.launch()).start();
    return server.url;
  }

  async #startPostgres(): Promise<string> {
    const { dir, config, screen } = this.#options;
    if (config.databaseUrl !== null) return config.databaseUrl;
    const server = embeddedPostgres(dir, config.postgresPort, (line) => screen.say(line));
    screen.say('starting Postgres');
    await this.#supervise('postgres', () => server.launch()).start();
    return createDatabase(server.url, DATABASE);
  }

  async #startServices(around: Surroundings, signal: AbortSignal): Promise<void> {
    const { dir, secrets, clock, dispatchers } = this.#options;
    const { subscriptionGrpc, gateway, ingestHttp } = this.#current();
    const patience = { clock, signal, withinMs: READY_WITHIN_MS };
    const names = Array.from({ length: dispatchers }, (_, n) => (n === 0 ? 'dispatcher' : `dispatcher-${n + 1}`));
    const subscription = this.#startService('subscription', 'subscription', around, patience);
    const others = [
      this.#startService('projector', 'projector', around, patience),
      ...names.map((name) => this.#startService(name, 'dispatcher', around, patience)),
      this.#startService('ingest', 'ingest', around, patience),
      this.#startService('gateway', 'gateway', around, patience),
    ];
    const [apiKey] = await Promise.all([
      subscription.then(() => ensureFirstKey(subscriptionGrpc, secrets, dir)),
      ...others,
    ]);
    this.#runtime = { ...this.#current(), apiKey };
    await until('The gateway', () => keyAtGateway(gateway, apiKey), patience);
    await until('Ingest', () => keyAtIngest(ingestHttp, apiKey), patience);
  }

  async #startService(
    name: string,
    service: ServiceName,
    around: Surroundings,
    patience: Parameters<typeof until>[2],
  ): Promise<void> {
    const { dir, screen, verbose, clock } = this.#options;
    const log = new LogFile(join(dir.logs, `${name}.log`));
    this.#logs.push(log);
    const show = serviceLogShown(name, { screen, verbose, clock, unsettled: () => this.#stopped || !this.#announced });
    log.follow(clock, show);
    // The port that the service found for itself the first time is kept when it starts again.
    let opsPort = 0;
    const part = this.#supervise(name, async () => {
      const env = serviceEnv(service, around, { opsPort, first: name === service });
      const running = startService({
        ...{ service, env, log, clock },
        dataDir: dir.path,
        stopWithinMs: STOP_WITHIN_MS,
      });
      const found = async (): Promise<void> => {
        const { ops } = await running.addresses;
        if (ops === undefined) return;
        opsPort = Number(new URL(ops).port);
        this.#ops.set(name, ops);
      };
      return { ...running, ready: found() };
    });
    await part.start();
    const ops = this.#ops.get(name);
    if (ops !== undefined) await until(`The ${name} service`, () => readyz(ops), patience);
  }

  #supervise(name: string, launch: ConstructorParameters<typeof Supervised>[0]['launch']): Supervised {
    if (this.#stopped) throw new Error(`${name} is not wanted any more`);
    const { clock, screen } = this.#options;
    const part = new Supervised({
      name,
      launch,
      clock,
      say: (line) => screen.say(line),
      onChange: () => void this.#changed().catch(() => undefined),
    });
    this.#parts.set(name, part);
    return part;
  }

  async #changed(): Promise<void> {
    if (this.#announced) await this.#file.write(this.#current());
  }

  #surroundings(ports: Ports): Omit<Surroundings, 'natsUrl' | 'databaseUrl'> {
    const { config, secrets, allowLocalWebhooks, timeScale } = this.#options;
    const { inherited, common } = config;
    return {
      ...{ inherited, ports, secrets, allowLocalWebhooks, timeScale },
      host: common.host,
      stopWithinMs: STOP_WITHIN_MS,
    };
  }

  #addresses(ports: Ports, nats: string, postgres: string): Omit<Runtime, 'pids' | 'ops'> {
    const { config, secrets } = this.#options;
    const at = (port: number): string => peer(config.common.host, port);
    return {
      gateway: `http://${at(ports.gateway)}`,
      ingestGrpc: at(ports.ingestGrpc),
      ingestHttp: `http://${at(ports.ingestHttp)}`,
      subscriptionGrpc: at(ports.subscriptionGrpc),
      queryGrpc: at(ports.queryGrpc),
      deliveryGrpc: at(ports.deliveryGrpc),
      ...{ nats, postgres },
      apiKey: secrets.apiKey,
      serviceToken: secrets.serviceToken,
    };
  }

  #current(): Runtime {
    if (this.#runtime === null) throw new Error('the platform has no addresses yet');
    const pids = [...this.#parts].map(([name, part]) => [name, part.pid] as const).filter(([, pid]) => pid !== null);
    return {
      ...this.#runtime,
      pids: Object.fromEntries(pids) as Record<string, number>,
      ops: Object.fromEntries(this.#ops),
    };
  }
}
