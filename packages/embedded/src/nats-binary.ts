import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readEmbeddedEnv } from './config.ts';
import { withFolderLock } from './folder-lock.ts';
import { type CachedNats, findCachedNats, isExecutable, newStaging, storeNats } from './nats-cache.ts';
import { fetchFromDebianSuite, fetchFromSystemLists, installWithApt, installWithBrew } from './nats-packages.ts';
import { downloadNats, pinnedRelease } from './nats-release.ts';
import { isSupported, OLDEST_NATS, readNatsVersion } from './nats-version.ts';
import { type OnProgress, SetupError } from './setup-error.ts';

/** `2.9` is the oldest supported series, for the tests that must hold there. */
export type NatsSeries = 'newest' | '2.9';

export interface FindNatsOptions {
  /** Where a fetched binary is kept: `<cacheDir>/nats-server-<version>/nats-server`. */
  readonly cacheDir: string;
  readonly onProgress: OnProgress;
  readonly version?: NatsSeries;
}

/** One way to get a binary; it works in a private folder and throws with the reason when it can't. */
interface Source {
  readonly name: string;
  readonly fetch: (folder: string) => Promise<string>;
}

/**
 * The path of a nats-server that can be run: named by the environment, on PATH, in the cache, or else fetched into the
 * cache from the first source that works. Throws a {@link SetupError} saying what to do when none does.
 */
export async function findNatsServer(options: FindNatsOptions): Promise<string> {
  const series = options.version ?? 'newest';
  const accept = series === '2.9' ? isSeries29 : isSupported;
  const found =
    (await namedByEnvironment(series)) ?? (await onPath(accept)) ?? (await cached(options.cacheDir, accept));
  if (found !== undefined) return found;
  const lock = {
    purpose: 'fetching nats-server',
    onProgress: options.onProgress,
  };
  const staging = await newStaging(options.cacheDir);
  try {
    return await withFolderLock(join(options.cacheDir, '.nats-server.lock'), lock, async () => {
      // Another process may have fetched it while this one waited for the lock.
      return (await cached(options.cacheDir, accept)) ?? (await fetchFirst(series, accept, staging, options)).path;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function fetchFirst(
  series: NatsSeries,
  accept: (version: string) => boolean,
  staging: string,
  options: FindNatsOptions,
): Promise<CachedNats> {
  const failures: string[] = [];
  for (const source of sources(series, accept, options.onProgress)) {
    try {
      const stored = await storeNats(options.cacheDir, await source.fetch(staging));
      if (!accept(stored.version)) throw new Error(`it has ${stored.version}, which is not wanted here`);
      options.onProgress(`nats-server ${stored.version} is ready`);
      return stored;
    } catch (error) {
      const reason = reasonOf(error);
      failures.push(`${source.name}: ${reason}`);
      options.onProgress(`nats-server not from ${source.name} (${reason})`);
    }
  }
  throw new SetupError(
    `No nats-server could be found or fetched: install nats-server ${OLDEST_NATS} or newer ` +
      `(https://docs.nats.io/running-a-nats-service/introduction/installation), put it on PATH or into ` +
      `NATS_SERVER_BIN, and run this again. Tried: ${failures.join('; ') || 'nothing fits this system'}.`,
  );
}

function* sources(series: NatsSeries, accept: (version: string) => boolean, onProgress: OnProgress): Generator<Source> {
  const release = pinnedRelease(accept);
  if (release !== undefined) {
    yield {
      name: 'GitHub',
      fetch: (folder) => downloadNats(release, folder, onProgress),
    };
  }
  if (process.platform === 'darwin' && series === 'newest') {
    yield { name: 'Homebrew', fetch: () => installWithBrew(onProgress) };
  }
  if (process.platform !== 'linux') return;
  const suite = series === '2.9' ? 'bookworm' : 'forky';
  yield {
    name: 'Debian',
    fetch: (folder) => fetchFromDebianSuite(suite, join(folder, suite), onProgress),
  };
  yield {
    name: "the system's package lists",
    fetch: (folder) => fetchFromSystemLists(join(folder, 'system'), onProgress),
  };
  // The lane for the oldest version never changes what is installed.
  if (series === 'newest') yield { name: 'apt-get install', fetch: () => installWithApt(onProgress) };
}

async function namedByEnvironment(series: NatsSeries): Promise<string | undefined> {
  const env = readEmbeddedEnv();
  const path = series === '2.9' ? env.natsServer29Bin : env.natsServerBin;
  if (path === undefined) return undefined;
  const name = series === '2.9' ? 'NATS_SERVER_29_BIN' : 'NATS_SERVER_BIN';
  const version = await readNatsVersion(path);
  if (version === undefined) throw new SetupError(`${name} is ${path}, which is not a nats-server that runs here.`);
  if (!isSupported(version)) {
    throw new SetupError(`${name} is ${path}, version ${version}: ${OLDEST_NATS} or newer is needed.`);
  }
  return path;
}

async function onPath(accept: (version: string) => boolean): Promise<string | undefined> {
  for (const folder of readEmbeddedEnv().path) {
    const path = join(folder, 'nats-server');
    if (!(await isExecutable(path))) continue;
    const version = await readNatsVersion(path);
    if (version !== undefined && accept(version)) return path;
  }
  return undefined;
}

async function cached(cacheDir: string, accept: (version: string) => boolean): Promise<string | undefined> {
  return (await findCachedNats(cacheDir, accept))?.path;
}

function isSeries29(version: string): boolean {
  return version.startsWith('2.9.') && isSupported(version);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch() says only "fetch failed"; the reason is its cause.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
