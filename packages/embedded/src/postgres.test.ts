import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres.ts';
import { createDatabase, dropDatabase } from './postgres-database.ts';
import { findProcess } from './process-table.ts';
import type { ServerExit } from './server-process.ts';
import { spawnSupervisor } from './supervisor-fixture.ts';

let folder: string;
let dataDir: string;
let running: PostgresServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapnel-postgres-'));
  await chmod(folder, 0o711);
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
});
afterAll(() => rm(folder, { recursive: true }));

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ dataDir, onProgress: () => undefined, ...options });
  running.push(server);
  return server;
}

async function query<T>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

// The tests share one cluster, as starts of one installation do.
describe('embedded Postgres', () => {
  it('creates its cluster once, durable and reachable from this machine only', async () => {
    const progress: string[] = [];
    const server = await start({ onProgress: (message) => progress.push(message) });
    expect(progress).toEqual(['creating the Postgres cluster']);
    const settings = await query<{ name: string; setting: string }>(
      server.url,
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'listen_addresses', 'server_encoding')",
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      listen_addresses: '127.0.0.1',
      server_encoding: 'UTF8',
    });
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const server = await start();
    const wrong = new URL(server.url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    expect((await stat(`${dataDir}.password`)).mode & 0o777).toBe(0o600);
    expect(await readFile(join(dataDir, 'pg_hba.conf'), 'utf8')).not.toMatch(/^\w.*\btrust\b/m);
  });

  it('keeps its data over a restart, and creates a database once', async () => {
    const first = await start();
    const url = await createDatabase(first.url, 'kept');
    await query(url, 'CREATE TABLE t AS SELECT 42 AS n');
    await first.stop();
    const second = await start();
    const again = await createDatabase(second.url, 'kept');
    expect(await query(again, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    await dropDatabase(second.url, 'kept');
    await expect(query(again, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  it('recovers what was committed before kill -9', async () => {
    const exits: ServerExit[] = [];
    const first = await start({ onExit: (exit) => exits.push(exit) });
    await query(await createDatabase(first.url, 'crash'), 'CREATE TABLE t AS SELECT 1 AS n');
    await first.kill();
    expect(exits).toMatchObject([{ signal: 'SIGKILL', expected: false }]);
    const second = await start({ port: first.port });
    expect(await query(await createDatabase(second.url, 'crash'), 'SELECT n FROM t')).toEqual([{ n: 1 }]);
  });

  it('starts although the pid file names another living process', async () => {
    await writeFile(join(dataDir, 'postmaster.pid'), `${process.ppid}\n${dataDir}\n0\n5432\n\n127.0.0.1\n\nready\n`);
    await expect(start()).resolves.toBeDefined();
  });

  it('says which port is in use, and when the folder is', async () => {
    const server = await start();
    await expect(startPostgres({ dataDir, onProgress: () => undefined })).rejects.toThrow('already running');
    const other = startPostgres({ dataDir: join(folder, 'other'), port: server.port, onProgress: () => undefined });
    await expect(other).rejects.toThrow(`Port ${server.port} for Postgres is in use`);
  });

  it('says so when the password file is lost', async () => {
    const password = await readFile(`${dataDir}.password`);
    await rm(`${dataDir}.password`);
    await expect(start()).rejects.toThrow('data.password is missing');
    await writeFile(`${dataDir}.password`, password, { mode: 0o600 });
  });

  it('does not outlive a supervisor that was killed, or is stopped by the next one', async () => {
    const supervisor = await spawnSupervisor('postgres', dataDir);
    await supervisor.killHard();
    const server = await start();
    expect(server.pid).not.toBe(supervisor.serverPid);
    expect(await findProcess(supervisor.serverPid)).toBeUndefined();
  });
});
