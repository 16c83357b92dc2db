import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFolderLock } from './folder-lock.ts';

let folder: string;
const options = { purpose: 'a test', onProgress: () => undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('folder lock', () => {
  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withFolderLock(join(folder, 'lock'), options, work)));
    expect(most).toBe(1);
  });

  it('takes over the lock of a process that is gone', async () => {
    const path = join(folder, 'lock');
    await mkdir(path);
    // Above Linux's and macOS's largest process id.
    await writeFile(join(path, 'pid'), '99999999');
    await expect(withFolderLock(path, options, async () => 'in')).resolves.toBe('in');
  });

  it('is released when the work fails', async () => {
    const path = join(folder, 'lock');
    const failing = withFolderLock(path, options, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    await expect(withFolderLock(path, options, async () => 'in')).resolves.toBe('in');
  });
});
