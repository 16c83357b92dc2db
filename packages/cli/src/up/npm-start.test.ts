import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive } from '@grapnel/embedded/process-table';
import { systemClock } from '@grapnel/runtime/clock';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PORT_NAMES, PORTS } from './ports.ts';
import { until } from './readiness.ts';
import type { Runtime } from './runtime-file.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const FREE_PORTS = Object.fromEntries(PORT_NAMES.map((name) => [PORTS[name].variable, '0']));

const eventually = (what: string, probe: () => boolean, withinMs: number): Promise<void> =>
  until(what, async () => (probe() ? null : 'not yet'), {
    ...{ clock: systemClock, withinMs },
    signal: new AbortController().signal,
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapnel-npm-'));
  // As root, Postgres runs as somebody else, who has to get through this folder.
  chmodSync(folder, 0o711);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `npm start`, and what it says until it is ready. */
async function npmStart(dir: string) {
  const child = spawn('npm', ['start', '--', '--no-demo', '--data-dir', dir], {
    cwd: ROOT,
    env: { ...process.env, ...FREE_PORTS },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: a signal for npm is for npm alone.
    detached: true,
  });
  let said = '';
  child.stdout.on('data', (text) => void (said += String(text)));
  child.stderr.on('data', (text) => void (said += String(text)));
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await eventually('the platform', () => /^ready$/m.test(said), 90_000);
  return { pid: child.pid ?? 0, exited };
}

/** Members of the group that npm leads: itself, and what it has started; where there is /proc to ask. */
function groupOf(leader: number): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && groupIn(pid) === leader);
}

function groupIn(pid: string): number | null {
  try {
    // pid (name) state parent group …
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2]);
  } catch {
    return null;
  }
}

it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
  'a %s for npm alone stops everything that it started',
  async (signal) => {
    const dir = join(folder, signal);
    const { pid, exited } = await npmStart(dir);
    const { pids } = JSON.parse(readFileSync(join(dir, 'runtime.json'), 'utf8')) as Runtime;
    process.kill(pid, signal);
    await exited;
    const isOver = () => groupOf(pid).length === 0 && !Object.values(pids).some((each) => isAlive(each));
    await eventually('the end of everything', isOver, 60_000);
    expect(isOver()).toBe(true);
  },
  180_000,
);
