import { readFile, rm, writeFile } from 'node:fs/promises';
import { withFolderLock } from '@grapnel/embedded/folder-lock';
import { findProcess } from '@grapnel/embedded/process-table';
import { SetupError } from '@grapnel/embedded/setup-error';
import type { DataDir } from './data-dir.ts';

/** What the command line of a process that holds a lock looks like: process ids are used again. */
const OURS = /(main\.ts|grapnel)\S* (.* )?up( |$)/;

/**
 * Makes this process the only supervisor of a data directory; returns what lets go of it.
 * @throws SetupError when another one lives
 */
export async function lockDataDir(dir: DataDir, onProgress: (line: string) => void): Promise<() => Promise<void>> {
  const guard = { purpose: 'starting on this data directory', onProgress, staleMs: 30_000 };
  await withFolderLock(`${dir.lockFile}.lock`, guard, async () => {
    const owner = await livingSupervisor(dir);
    if (owner !== undefined) {
      throw new SetupError(
        `Grapnel is running already on ${dir.path} (process ${owner}): stop it first, or choose another --data-dir.`,
      );
    }
    await writeFile(dir.lockFile, JSON.stringify({ pid: process.pid }), { mode: 0o600 });
  });
  return () => rm(dir.lockFile, { force: true });
}

/** The other process that runs the platform of a data directory. */
export async function livingSupervisor({ lockFile }: DataDir): Promise<number | undefined> {
  const text = await readFile(lockFile, 'utf8').catch(() => '');
  const pid = Number(/"pid":\s*(\d+)/.exec(text)?.[1] ?? 0);
  if (pid === process.pid) return undefined;
  const running = await findProcess(pid);
  return running !== undefined && OURS.test(running.commandLine) ? pid : undefined;
}
