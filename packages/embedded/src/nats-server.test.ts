import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { findNatsServer } from './nats-binary.ts';
import { type NatsServer, startNats } from './nats-server.ts';
import { findProcess } from './process-table.ts';
import { projectCacheDir } from './project-cache.ts';
import type { ServerExit } from './server-process.ts';
import { spawnSupervisor } from './supervisor-fixture.ts';

let storeDir: string;
let binary: string;
let running: NatsServer[];

beforeEach(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats-'));
  binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: () => undefined });
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  await rm(storeDir, { recursive: true });
});

async function start(options: Partial<Parameters<typeof startNats>[0]> = {}): Promise<NatsServer> {
  const server = await startNats({ binary, storeDir, ...options });
  running.push(server);
  return server;
}

/** JetStream's part of the monitoring endpoint. */
async function monitored(port: number): Promise<{ config: { sync_always?: boolean; store_dir: string } }> {
  const response = await fetch(`http://127.0.0.1:${port}/jsz`);
  return (await response.json()) as { config: { sync_always?: boolean; store_dir: string } };
}

describe('embedded nats-server', () => {
  it('answers with JetStream and an 8 MB limit, and is gone after stop', async () => {
    const exits: ServerExit[] = [];
    const server = await start({ onExit: (exit) => exits.push(exit) });
    const config = await readFile(join(storeDir, 'nats.conf'), 'utf8');
    expect(config).toContain('max_payload: 8388608');
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    await server.stop();
    expect(exits).toMatchObject([{ expected: true }]);
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
  });

  it('says which port is in use', async () => {
    const server = await start();
    const other = await mkdtemp(join(tmpdir(), 'grapnel-nats-'));
    const second = startNats({ binary, storeDir: other, port: server.port });
    await expect(second).rejects.toThrow(`Port ${server.port} for NATS is in use`);
    await rm(other, { recursive: true });
  });

  it('starts again on the same files after kill -9', async () => {
    const exits: ServerExit[] = [];
    const first = await start({ onExit: (exit) => exits.push(exit) });
    await first.kill();
    expect(exits).toMatchObject([{ signal: 'SIGKILL', expected: false }]);
    const second = await start({ port: first.port });
    expect(second.port).toBe(first.port);
  });

  it('refuses a store that a live server uses', async () => {
    const server = await start();
    await expect(startNats({ binary, storeDir })).rejects.toThrow(`already running on ${storeDir}`);
    expect(server.exited).toBeInstanceOf(Promise);
  });

  it('syncs every write when asked to', async () => {
    const monitorPort = await freePort();
    await start({ monitorPort, syncAlways: true });
    expect((await monitored(monitorPort)).config).toMatchObject({ sync_always: true });
  });

  it('does not outlive a supervisor that was killed, or is stopped by the next one', async () => {
    const supervisor = await spawnSupervisor('nats', storeDir, binary);
    await supervisor.killHard();
    const server = await start();
    expect(server.pid).not.toBe(supervisor.serverPid);
    expect(await findProcess(supervisor.serverPid)).toBeUndefined();
  });
});
