import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PostgresPlace } from './postgres-place.ts';
import { runCommand } from './run-command.ts';
import { type OnProgress, SetupError } from './setup-error.ts';

/** The one superuser of an embedded cluster. */
export const POSTGRES_USER = 'grapnel';

/**
 * The cluster's password, made on first use and kept beside the data folder, readable by its owner only. A cluster
 * without its password file can't be opened any more, which is an error that says so.
 */
export async function clusterPassword(place: PostgresPlace): Promise<string> {
  const file = `${place.dataDir}.password`;
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  if (await isInitialised(place.dataDir)) {
    throw new SetupError(
      `${file} is missing, and without it nobody can sign in to ${place.dataDir}: restore it, or remove that folder ` +
        'and rebuild the read model from the streams.',
    );
  }
  const password = randomBytes(24).toString('base64url');
  const staged = `${file}.${process.pid}`;
  await writeFile(staged, password, { mode: 0o600 });
  await rename(staged, file);
  return password;
}

/** Runs initdb once; the data folder appears complete or not at all. */
export async function ensureCluster(place: PostgresPlace, password: string, onProgress: OnProgress): Promise<void> {
  if (await isInitialised(place.dataDir)) return;
  onProgress('creating the Postgres cluster');
  await removeUnfinished(place.dataDir);
  const staging = `${place.dataDir}.new-${process.pid}`;
  const passwordFile = join(staging, 'password');
  try {
    await mkdir(staging, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (place.identity !== undefined) {
      await chown(staging, place.identity.uid, place.identity.gid);
      await chown(passwordFile, place.identity.uid, place.identity.gid);
    }
    const { bin, identity } = place;
    const result = await runCommand(join(bin, 'initdb'), initdbArguments(staging, passwordFile), {
      cwd: '/',
      timeoutMs: 120_000,
      ...(identity === undefined ? {} : { uid: identity.uid, gid: identity.gid }),
    });
    if (!result.ok) throw new SetupError(`Postgres could not create its files in ${place.dataDir}: ${result.reason}`);
    await rename(join(staging, 'data'), place.dataDir);
    await syncFolder(dirname(place.dataDir));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function initdbArguments(staging: string, passwordFile: string): string[] {
  return [
    ...['-D', join(staging, 'data'), '--username', POSTGRES_USER, '--pwfile', passwordFile],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8'],
    // Built in, so that sorting does not depend on the machine's locales.
    ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
  ];
}

async function isInitialised(dataDir: string): Promise<boolean> {
  return readFile(join(dataDir, 'PG_VERSION'), 'utf8').then(
    () => true,
    () => false,
  );
}

/** What a killed initdb left, and an empty folder somebody made at the data folder's place. */
async function removeUnfinished(dataDir: string): Promise<void> {
  const parent = dirname(dataDir);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(dataDir)}.new-`)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const content = await readdir(dataDir).catch(() => undefined);
  if (content === undefined) return;
  if (content.length > 0) {
    throw new SetupError(
      `${dataDir} holds files that are not a Postgres cluster: move them, or choose another folder.`,
    );
  }
  await rm(dataDir, { recursive: true });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
