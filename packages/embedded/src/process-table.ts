import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

/** Whether a process with this id exists (a zombie counts, another user's too). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What runs under this id, or undefined when nothing (or only a zombie) does. */
export async function findProcess(pid: number): Promise<RunningProcess | undefined> {
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return undefined;
  // Minimal Linux images have no ps; elsewhere there is no /proc.
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<RunningProcess | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    // "pid (name) state ppid …": the name may hold spaces and parentheses, so read after the last one.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return undefined;
    return {
      pid,
      parent: Number(parent),
      commandLine: commandLine.replaceAll('\0', ' ').trim(),
    };
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<RunningProcess | undefined> {
  const result = await runCommand('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { timeoutMs: 5_000 });
  const match = /^\s*(\d+)\s+(.*)$/m.exec(result.stdout);
  if (!result.ok || match === null) return undefined;
  return { pid, parent: Number(match[1]), commandLine: match[2] ?? '' };
}
