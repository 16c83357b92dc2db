import { readFileSync } from 'node:fs';

/** Seconds of CPU that each process has used so far, by name; from /proc, so Linux only. */
export function cpuSeconds(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, secondsOf(pid, name === 'postgres')]));
}

/** Resident memory in MB. */
export function residentMb(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, residentOf(pid)]));
}

const TICKS_PER_SECOND = 100;

/** Postgres is many processes, the others are one each. */
function secondsOf(pid: number, withChildren: boolean): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const own = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    const children = withChildren ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() : '';
    return children.split(' ').reduce((sum, child) => sum + (child === '' ? 0 : secondsOf(Number(child), true)), own);
  } catch {
    return 0;
  }
}

function residentOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

export const difference = (after: Record<string, number>, before: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
