import { runCommand } from './run-command.ts';
import type { OnProgress } from './setup-error.ts';

export const APT_TIMEOUT_MS = 300_000;

/** Applies to every apt call: fail soon on a dead mirror, and don't drop to the _apt user in folders it can't enter. */
export const APT_OPTIONS = [
  '-q',
  ...['-o', 'APT::Sandbox::User=root'],
  ...['-o', 'Acquire::http::Timeout=15'],
  ...['-o', 'Acquire::https::Timeout=15'],
  ...['-o', 'Acquire::Retries=2'],
];

/** `apt-get install` as root or through a password-less sudo. */
export async function aptInstall(name: string, onProgress: OnProgress): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const asRoot = async (args: string[]) => {
    const [command, ...rest] = isRoot ? ['apt-get', ...args] : ['sudo', '-n', 'apt-get', ...args];
    const result = await runCommand(command ?? '', rest, {
      timeoutMs: APT_TIMEOUT_MS,
    });
    if (!result.ok) throw new Error(`${command}: ${result.reason}`);
  };
  onProgress(`installing ${name} with apt-get`);
  await asRoot([...APT_OPTIONS, 'update']);
  await asRoot([...APT_OPTIONS, 'install', '--yes', '--no-install-recommends', name]);
}
