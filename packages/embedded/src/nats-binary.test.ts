import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNatsServer } from './nats-binary.ts';
import { findCachedNats, storeNats } from './nats-cache.ts';
import { isSupported } from './nats-version.ts';

let folder: string;
let savedBin: string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-cache-'));
  savedBin = process.env['NATS_SERVER_BIN'];
});
afterEach(async () => {
  if (savedBin === undefined) delete process.env['NATS_SERVER_BIN'];
  else process.env['NATS_SERVER_BIN'] = savedBin;
  await rm(folder, { recursive: true });
});

/** A program that answers --version as nats-server does. */
async function fakeBinary(version: string): Promise<string> {
  const path = join(folder, `fake-${version}`);
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

describe('finding nats-server', () => {
  it('takes the newest of the cache', async () => {
    for (const version of ['2.9.10', '2.10.29', '2.15.1']) await storeNats(folder, await fakeBinary(version));
    expect(await findCachedNats(folder, isSupported)).toMatchObject({ version: '2.15.1' });
    expect(await findCachedNats(folder, (version) => version.startsWith('2.9.'))).toMatchObject({ version: '2.9.10' });
  });

  it('does not take half a cache entry', async () => {
    await mkdir(join(folder, 'nats-server-2.15.1'));
    expect(await findCachedNats(folder, isSupported)).toBeUndefined();
  });

  it('refuses to store what does not run or is too old', async () => {
    await writeFile(join(folder, 'text'), 'not a program');
    await expect(storeNats(folder, join(folder, 'text'))).rejects.toThrow('does not run on this machine');
    await expect(storeNats(folder, await fakeBinary('2.9.9'))).rejects.toThrow('too old (2.9.9)');
  });

  it('follows NATS_SERVER_BIN, and says when it is wrong', async () => {
    const find = () => findNatsServer({ cacheDir: folder, onProgress: () => undefined });
    process.env['NATS_SERVER_BIN'] = await fakeBinary('2.14.0');
    await expect(find()).resolves.toBe(process.env['NATS_SERVER_BIN']);
    process.env['NATS_SERVER_BIN'] = await fakeBinary('2.8.4');
    await expect(find()).rejects.toThrow('version 2.8.4: 2.9.10 or newer is needed');
    process.env['NATS_SERVER_BIN'] = join(folder, 'missing');
    await expect(find()).rejects.toThrow('which is not a nats-server that runs here');
  });
});
