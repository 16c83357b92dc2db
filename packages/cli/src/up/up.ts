import { SetupError } from '@grapnel/embedded/setup-error';
import { type Clock, systemClock } from '@grapnel/runtime/clock';
import { playDemo } from '../demo/demo.ts';
import type { Screen } from '../screen.ts';
import { announcement } from './announce.ts';
import type { UpConfig } from './config.ts';
import { type DataDir, dataDirAt, makeDataDir } from './data-dir.ts';
import { DEMO_TENANT } from './first-key.ts';
import { endLeftovers } from './leftovers.ts';
import { lockDataDir } from './lock.ts';
import { Platform } from './platform.ts';
import { RuntimeFile } from './runtime-file.ts';
import { loadSecrets } from './secrets.ts';
import { onStopSignals } from './stop-signals.ts';

export interface UpOptions {
  readonly demo: boolean;
  readonly dataDir: string;
  readonly dispatchers: number;
  readonly verbose: boolean;
}

/** In the demo a minute of waiting is a second. */
const DEMO_TIME_SCALE = 60;
const LEFTOVERS_WITHIN_MS = 15_000;

/** What the parts of one run share. */
interface Run {
  readonly options: UpOptions;
  readonly config: UpConfig;
  readonly dir: DataDir;
  readonly screen: Screen;
  readonly clock: Clock;
  /** Aborts when the person in front of it wants it to end. */
  readonly signal: AbortSignal;
  readonly startedAt: number;
}

/**
 * Runs the whole platform until Ctrl-C or SIGTERM. By then no process of it is left, however it went.
 * @throws SetupError, CommandError when it cannot be started
 */
export async function up(
  options: UpOptions,
  config: UpConfig,
  screen: Screen,
  clock: Clock = systemClock,
): Promise<void> {
  const startedAt = clock.monotonic();
  const dir = dataDirAt(options.dataDir);
  const say = (line: string): void => screen.say(line);
  await makeDataDir(dir);
  const unlock = await lockDataDir(dir, say);
  let platform: Platform | null = null;
  const stop = new AbortController();
  const signals = onStopSignals(
    clock,
    () => {
      say('stopping (again: at once)');
      stop.abort();
    },
    () => {
      say('ending everything at once');
      platform?.kill();
    },
  );
  try {
    const run = { options, config, dir, screen, clock, startedAt, signal: stop.signal };
    platform = await prepare(run);
    // The demo's customer goes before those who would send to it.
    await using _ = await bringUp(platform, run);
    await aborted(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    screen.status('');
    await platform?.stop();
    await unlock();
    signals[Symbol.dispose]();
    if (stop.signal.aborted) say('stopped');
  }
}

/** Nothing runs on the data directory after this, and all that a start needs is there. */
async function prepare({ options, config, dir, screen, clock }: Run): Promise<Platform> {
  const { demo, dispatchers, verbose } = options;
  if (demo && config.allowLocalWebhooks === false) {
    throw new SetupError(
      'The demo customer listens on this machine, which ALLOW_LOCAL_WEBHOOKS=false forbids: unset it, or start with --no-demo.',
    );
  }
  const secrets = await loadSecrets(dir, config);
  if (config.apiKey !== null && config.apiKey !== secrets.apiKey) {
    screen.say('GRAPNEL_API_KEY is left aside: this data directory has its first key already');
  }
  await endLeftovers(dir, LEFTOVERS_WITHIN_MS, clock, (line) => screen.say(line));
  await new RuntimeFile(dir).remove();
  return new Platform({
    ...{ dir, config, secrets, dispatchers, verbose, screen, clock },
    allowLocalWebhooks: config.allowLocalWebhooks ?? demo,
    timeScale: config.timeScale ?? (demo ? DEMO_TIME_SCALE : 1),
  });
}

/** Starts everything, says so, and plays the demo; returns its customer. */
async function bringUp(platform: Platform, run: Run): Promise<AsyncDisposable | null> {
  const { options, dir, screen, clock, signal, startedAt } = run;
  const starting = platform.start(signal);
  // Setting up may be in the middle of a download; nobody who pressed Ctrl-C wants to wait for that.
  await Promise.race([starting, aborted(signal)]);
  signal.throwIfAborted();
  const runtime = await starting;
  const seconds = (clock.monotonic() - startedAt) / 1_000;
  const { timeScale, allowLocalWebhooks } = platform;
  const facts = { runtime, dataDir: dir.path, tenant: DEMO_TENANT, timeScale, allowLocalWebhooks, seconds };
  for (const line of announcement(facts)) screen.print(line);
  screen.print('ready');
  const customer = options.demo ? await playDemo({ runtime, dir, timeScale, screen, clock, signal }) : null;
  if (!signal.aborted) screen.say('\nCtrl-C stops everything.');
  return customer;
}

function aborted(signal: AbortSignal): Promise<void> {
  // A pending promise does not keep a process alive; the services' IPC channels do.
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
