import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SetupError } from '@grapnel/embedded/setup-error';

/** Where a platform keeps everything. */
export interface DataDir {
  readonly path: string;
  readonly nats: string;
  readonly postgres: string;
  readonly logs: string;
  readonly secretsFile: string;
  readonly runtimeFile: string;
  readonly lockFile: string;
  readonly demoFile: string;
}

export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  return {
    path: root,
    nats: join(root, 'nats'),
    postgres: join(root, 'postgres'),
    logs: join(root, 'logs'),
    secretsFile: join(root, 'secrets.json'),
    runtimeFile: join(root, 'runtime.json'),
    lockFile: join(root, 'up.json'),
    demoFile: join(root, 'demo.json'),
  };
}

/**
 * Makes the folders that are missing, for their owner alone. Postgres never runs as root: started by root it becomes
 * another user, who must be able to pass through the outer folder, though not to list it.
 */
export async function makeDataDir(dir: DataDir): Promise<void> {
  const outer = process.getuid?.() === 0 ? 0o711 : 0o700;
  try {
    await makeFolder(dir.path, outer);
    for (const inner of [dir.nats, dir.logs]) await makeFolder(inner, 0o700);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SetupError(
      `The data directory ${dir.path} cannot be used (${code ?? message}): choose another with --data-dir.`,
    );
  }
}

/** With the folders above it. Node's own `recursive` never ends where a folder exists and takes no other, as /proc. */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path), mode);
    await mkdir(path, { mode });
  }
}
