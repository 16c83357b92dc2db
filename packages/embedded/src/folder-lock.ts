import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './process-table.ts';
import type { OnProgress } from './setup-error.ts';

export interface LockOptions {
  /** A lock older than this is taken over even when its owner seems alive. */
  readonly staleMs?: number;
  readonly onProgress: OnProgress;
  /** What is being waited for, for the progress line. */
  readonly purpose: string;
}

/** Runs `work` while holding the folder `path` as a lock between processes (mkdir is atomic everywhere). */
export async function withFolderLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const staleMs = options.staleMs ?? 10 * 60_000;
  let told = false;
  while (!(await tryLock(path))) {
    if (await isStale(path, staleMs)) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!told) options.onProgress(`another process is busy with ${options.purpose}; waiting for it`);
    told = true;
    await sleep(150);
  }
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(path, 'pid'), String(process.pid));
  return true;
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > staleMs) return true;
    const pid = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''));
    // Without a readable pid its owner is between mkdir and writeFile, or died there.
    return pid > 0 ? !isAlive(pid) : age > 5_000;
  } catch {
    return false;
  }
}
