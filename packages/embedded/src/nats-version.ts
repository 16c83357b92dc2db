import { runCommand } from './run-command.ts';

/** The oldest nats-server that Grapnel supports (Debian 12's own). */
export const OLDEST_NATS = '2.9.10';

/** The version a nats-server binary reports, or undefined when it cannot be run or is something else. */
export async function readNatsVersion(binary: string): Promise<string | undefined> {
  const result = await runCommand(binary, ['--version'], { timeoutMs: 10_000 });
  return /nats-server: v?(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
}

export function isSupported(version: string): boolean {
  return compareVersions(version, OLDEST_NATS) >= 0;
}

/** Negative when `a` is older than `b`. Both are `major.minor.patch`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
