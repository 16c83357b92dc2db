import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placePostgres } from './postgres-place.ts';
import { canReach } from './unprivileged.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-place-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('where Postgres runs', () => {
  it('stays in the wanted folder when it can be reached', async () => {
    await chmod(folder, 0o711);
    const place = await placePostgres({ dataDir: join(folder, 'data'), onProgress: () => undefined });
    expect(place.dataDir).toBe(join(folder, 'data'));
    expect(existsSync(join(place.bin, 'postgres'))).toBe(true);
    expect(place.identity === undefined).toBe(!isRoot);
  });

  it('moves to a shared folder, says so and leaves a link, when an unprivileged user cannot get there', async () => {
    await chmod(folder, 0o700);
    const progress: string[] = [];
    const wanted = join(folder, 'data');
    const place = await placePostgres({ dataDir: wanted, onProgress: (message) => progress.push(message) });
    // Only root gives up its rights, and so only root may have to move.
    expect(place.dataDir === wanted).toBe(!isRoot);
    const said = isRoot ? `cannot reach ${wanted}: its files are kept in ${place.dataDir}` : '';
    expect(progress.join()).toContain(said);
    const link = await readlink(wanted).catch(() => undefined);
    expect(link).toBe(isRoot ? place.dataDir : undefined);
    expect(place.identity === undefined || (await canReach(place.identity, dirname(place.dataDir)))).toBe(true);
    if (isRoot) await rm(dirname(place.dataDir), { recursive: true });
  });
});
