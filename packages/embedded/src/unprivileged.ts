import { existsSync, statSync } from 'node:fs';
import { runCommand } from './run-command.ts';

/** Who a server runs as when this process is root (Postgres refuses to run as root). */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/**
 * Undefined when this process is not root: children run as we do. As root, the owner of `folder` if it exists and is
 * not root (initialised earlier by somebody), or else the system's `nobody`.
 */
export async function unprivilegedIdentity(folder: string): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(folder)) {
    const { uid, gid } = statSync(folder);
    if (uid !== 0) return { uid, gid, name: `user ${uid}` };
  }
  const [user, group] = await Promise.all([runCommand('id', ['-u', 'nobody']), runCommand('id', ['-g', 'nobody'])]);
  return {
    uid: parseId(user.stdout),
    gid: parseId(group.stdout),
    name: 'nobody',
  };
}

/** Whether that user gets to `path` and may execute it (for a folder: enter it), by asking the system as that user. */
export async function canReach(identity: Identity, path: string): Promise<boolean> {
  const { uid, gid } = identity;
  // cwd must be a folder that user can be in; the path is absolute.
  const result = await runCommand('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { uid, gid, cwd: '/' });
  return result.ok;
}

/** `id` prints macOS's nobody (-2) as 4294967294; a system without nobody gets the customary number. */
function parseId(text: string): number {
  const id = Number.parseInt(text, 10);
  if (Number.isNaN(id)) return 65_534;
  return id < 0 ? id + 2 ** 32 : id;
}
