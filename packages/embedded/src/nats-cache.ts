import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareVersions, isSupported, readNatsVersion } from './nats-version.ts';
import { SetupError } from './setup-error.ts';

const FOLDER = /^nats-server-(\d+\.\d+\.\d+)$/;

export interface CachedNats {
  readonly version: string;
  readonly path: string;
}

/** The newest cached nats-server that `accept` takes. */
export async function findCachedNats(
  cacheDir: string,
  accept: (version: string) => boolean,
): Promise<CachedNats | undefined> {
  const names = await readdir(cacheDir).catch(() => []);
  const versions = names
    .map((name) => FOLDER.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .filter(accept)
    .toSorted((a, b) => compareVersions(b, a));
  for (const version of versions) {
    const path = cachedPath(cacheDir, version);
    if (await isExecutable(path)) return { version, path };
  }
  return undefined;
}

/**
 * Puts a binary into the cache as `nats-server-<version>/nats-server`. The folder appears complete or not at all, and
 * only after the binary has been run once.
 */
export async function storeNats(cacheDir: string, binary: string): Promise<CachedNats> {
  const staging = await newStaging(cacheDir);
  try {
    const staged = join(staging, 'nats-server');
    await copyFile(binary, staged);
    await chmod(staged, 0o755);
    const version = await readNatsVersion(staged);
    if (version === undefined) throw new SetupError('The nats-server that was fetched does not run on this machine.');
    if (!isSupported(version)) throw new SetupError(`The nats-server that was fetched is too old (${version}).`);
    const target = join(cacheDir, `nats-server-${version}`);
    await rm(target, { recursive: true, force: true });
    await chmod(staging, 0o755);
    await rename(staging, target);
    return { version, path: cachedPath(cacheDir, version) };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A private folder on the cache's own file system, for work that ends in a rename. */
export async function newStaging(cacheDir: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  return mkdtemp(join(cacheDir, '.staging-'));
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function cachedPath(cacheDir: string, version: string): string {
  return join(cacheDir, `nats-server-${version}`, 'nats-server');
}
