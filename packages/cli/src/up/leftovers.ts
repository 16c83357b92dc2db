import { findProcess } from '@grapnel/embedded/process-table';
import type { Clock } from '@grapnel/runtime/clock';
import type { DataDir } from './data-dir.ts';
import { readRuntime } from './runtime-file.ts';

const LOOK_EVERY_MS = 50;

/**
 * Waits until the services of a supervisor that was killed are gone. They stop by themselves when they notice; one that
 * has not after `patienceMs` is ended. The embedded servers see to their own leftovers.
 */
export async function endLeftovers(
  dir: DataDir,
  patienceMs: number,
  clock: Clock,
  say: (line: string) => void,
): Promise<void> {
  const pids = Object.values((await readRuntime(dir).catch(() => undefined))?.pids ?? {});
  let left = await stillOurs(pids, dir);
  if (left.length === 0) return;
  say(`waiting for ${left.length} services of an earlier run to stop`);
  for (const pid of left) signalQuietly(pid, 'SIGTERM');
  const deadline = clock.monotonic() + patienceMs;
  while (left.length > 0 && clock.monotonic() < deadline) {
    await clock.sleep(LOOK_EVERY_MS);
    left = await stillOurs(left, dir);
  }
  for (const pid of left) signalQuietly(pid, 'SIGKILL');
  while ((await stillOurs(left, dir)).length > 0) await clock.sleep(LOOK_EVERY_MS);
}

/** A service names its data directory in its command line; process ids are used again, so both must fit. */
async function stillOurs(pids: readonly number[], dir: DataDir): Promise<number[]> {
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = (await findProcess(pid))?.commandLine ?? '';
      return commandLine.includes('/services/') && commandLine.endsWith(dir.path);
    }),
  );
  return pids.filter((_, n) => found[n]);
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in the meantime.
  }
}
