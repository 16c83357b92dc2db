import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from './process-table.ts';
import { findProcess } from './process-table.ts';
import { type OnProgress, SetupError } from './setup-error.ts';

/** Written beside a server's files while it runs, so that the next start can tell a leftover from a live one. */
interface ServerRecord {
  readonly pid: number;
  readonly supervisor: number;
}

export async function recordServer(path: string, pid: number): Promise<void> {
  const record: ServerRecord = { pid, supervisor: process.pid };
  await writeFile(path, JSON.stringify(record));
}

export async function forgetServer(path: string): Promise<void> {
  await rm(path, { force: true });
}

export interface OrphanSearch {
  readonly recordFile: string;
  /** Must occur in the command line of a process that is ours: its data folder. */
  readonly folder: string;
  readonly name: string;
  /** Signals to try in order, each given `patienceMs` to work. */
  readonly signals: readonly NodeJS.Signals[];
  readonly patienceMs?: number;
  readonly onProgress: OnProgress;
}

/**
 * Stops a server that was left over on this data folder by a supervisor that was killed. A process whose command line
 * does not name the folder is somebody else's (ids are reused) and is left alone; one whose supervisor still lives is
 * in use, which is an error.
 */
export async function stopOrphan(search: OrphanSearch): Promise<void> {
  const record = await readRecord(search.recordFile);
  if (record === undefined) return;
  const running = await ours(record.pid, search.folder);
  if (running !== undefined) {
    if (running.parent === record.supervisor) {
      throw new SetupError(
        `${search.name} is already running on ${search.folder} (process ${running.pid}, started by process ` +
          `${running.parent}): stop that one first, or use another data directory.`,
      );
    }
    search.onProgress(`stopping ${search.name} left over from an earlier run (process ${running.pid})`);
    await stopProcess(running.pid, search);
  }
  await forgetServer(search.recordFile);
}

async function stopProcess(pid: number, search: OrphanSearch): Promise<void> {
  for (const signal of [...search.signals, 'SIGKILL' as const]) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const deadline = performance.now() + (search.patienceMs ?? 10_000);
    while (performance.now() < deadline) {
      if ((await ours(pid, search.folder)) === undefined) return;
      await sleep(25);
    }
  }
  throw new SetupError(`${search.name} (process ${pid}) on ${search.folder} does not stop: end it by hand.`);
}

async function ours(pid: number, folder: string): Promise<RunningProcess | undefined> {
  const running = await findProcess(pid);
  return running?.commandLine.includes(folder) === true ? running : undefined;
}

async function readRecord(path: string): Promise<ServerRecord | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<ServerRecord>;
    if (typeof value.pid !== 'number' || typeof value.supervisor !== 'number') return undefined;
    return { pid: value.pid, supervisor: value.supervisor };
  } catch {
    return undefined;
  }
}
