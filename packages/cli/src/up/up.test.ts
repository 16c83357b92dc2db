import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive } from '@grapnel/embedded/process-table';
import { systemClock } from '@grapnel/runtime/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rest } from '../rest.ts';
import { PORT_NAMES, PORTS } from './ports.ts';
import { until } from './readiness.ts';
import type { Runtime } from './runtime-file.ts';

const CLI = fileURLToPath(new URL('../main.ts', import.meta.url));
const FREE_PORTS = Object.fromEntries(PORT_NAMES.map((name) => [PORTS[name].variable, '0']));
const START_WITHIN_MS = 90_000;

/** A `grapnel up --no-demo` of this test. */
class Up {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  out = '';
  err = '';

  constructor(dir: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [CLI, 'up', '--no-demo', '--data-dir', dir], {
      env: { ...process.env, ...FREE_PORTS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (text) => {
      this.out += String(text);
    });
    this.child.stderr?.on('data', (text) => {
      this.err += String(text);
    });
    this.exited = new Promise((resolve) => this.child.once('close', resolve));
  }

  get ready(): boolean {
    return /^ready$/m.test(this.out);
  }

  async untilReady(): Promise<this> {
    await eventually('the platform', () => this.ready || this.child.exitCode !== null, START_WITHIN_MS);
    if (!this.ready) throw new Error(`it ended with ${this.child.exitCode}: ${this.err}`);
    return this;
  }
}

const eventually = (what: string, probe: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> =>
  until(what, async () => ((await probe()) ? null : 'not yet'), {
    ...{ clock: systemClock, withinMs },
    signal: new AbortController().signal,
  });

let folder: string;
let dir: string;
let up: Up;

const runtimeOf = (dataDir: string): Runtime =>
  JSON.parse(readFileSync(join(dataDir, 'runtime.json'), 'utf8')) as Runtime;
const runtime = (): Runtime => runtimeOf(dir);
const rest = (): Rest => new Rest(runtime().gateway, runtime().apiKey);
const publish = (id: string) => rest().call('POST', '/events', { id, type: 'crawl.page', data: { id } });

const grapnel = (...args: string[]): string =>
  execFileSync(process.execPath, [CLI, ...args, '--data-dir', dir], { encoding: 'utf8' });

/** Command lines of every process on this machine that name a folder. */
function processesNaming(path: string): string[] {
  const lines =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map((pid) => commandLineOf(pid))
      : execFileSync('ps', ['-axo', 'command='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(path));
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'grapnel-up-'));
  // As root, Postgres runs as somebody else, who has to get through this folder.
  chmodSync(folder, 0o711);
  dir = join(folder, 'data');
  up = await new Up(dir, { GRAPNEL_API_KEY: 'a-key-brought-along-0123456789' }).untilReady();
}, START_WITHIN_MS);

afterAll(async () => {
  up.child.kill('SIGTERM');
  await up.exited;
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('grapnel up', { timeout: 120_000 }, () => {
  it('says where everything is, and everything works by then', async () => {
    expect(runtime()).toMatchObject({
      gateway: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      ingestGrpc: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ingestHttp: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      nats: expect.stringMatching(/^nats:/),
      postgres: expect.stringMatching(/^postgres:/),
      apiKey: 'a-key-brought-along-0123456789',
    });
    expect(Object.keys(runtime().pids).toSorted()).toEqual([
      'dispatcher',
      'gateway',
      'ingest',
      'nats',
      'postgres',
      'projector',
      'subscription',
    ]);
    for (const pid of Object.values(runtime().pids)) expect(isAlive(pid)).toBe(true);
    expect(up.out).toContain(`${runtime().gateway}/docs`);
    await expect(publish('first')).resolves.toMatchObject({ success: true, data: { event_id: 'first' } });
  });

  it('keeps what is secret to its owner', () => {
    const names = ['secrets.json', 'runtime.json', 'up.json', 'postgres.password', 'nats', 'logs'];
    expect(names.filter((name) => (statSync(join(dir, name)).mode & 0o077) !== 0)).toEqual([]);
    expect(statSync(dir).mode & 0o066).toBe(0);
    const { apiKey, serviceToken } = runtime();
    for (const log of readdirSync(join(dir, 'logs'))) {
      const text = readFileSync(join(dir, 'logs', log), 'utf8');
      expect(text).not.toContain(apiKey);
      expect(text).not.toContain(serviceToken);
    }
  });

  it('is provisioned again without being told where its NATS is', () => {
    expect(grapnel('provision')).toContain(`are in place at ${runtime().nats}`);
  });

  it('changes a webhook and its secret from the command line', () => {
    const made = grapnel(
      'webhooks',
      'create',
      '--name',
      'mine',
      '--endpoint',
      'https://example.com/a',
      '--events',
      '*',
    );
    const id = /wh_\w+/.exec(made)?.[0] ?? '';
    expect(grapnel('webhooks', 'update', id, '--name', 'yours', '--timeout', '7')).toContain('updated');
    const shown = JSON.parse(grapnel('webhooks', 'show', id)) as Record<string, unknown>;
    expect(shown).toMatchObject({ name: 'yours', timeout_seconds: 7, webhook_url: 'https://example.com/a' });
    const rotated = grapnel('webhooks', 'rotate-secret', id, '--overlap', '60');
    expect(rotated).toMatch(/^secret +[0-9a-f]{64}$/m);
    expect(made).not.toContain(/[0-9a-f]{64}/.exec(rotated)?.[0]);
    expect(() => grapnel('webhooks', 'update', id)).toThrow('Nothing is to be changed');
    expect(() => grapnel('deliveries', 'show', `dlv_${'0'.repeat(26)}`)).toThrow('There is no delivery dlv_');
    grapnel('webhooks', 'delete', id);
  });

  it('refuses to run twice on one data directory', async () => {
    const before = runtime();
    const second = new Up(dir);
    expect(await second.exited).toBe(1);
    expect(second.err.trim()).toMatch(/^Grapnel is running already on .* \(process \d+\): stop it first.*\.$/);
    expect(runtime()).toEqual(before);
  });

  it('names every port that is in use, and leaves nothing running', async () => {
    const other = join(folder, 'other');
    const port = new URL(runtime().gateway).port;
    const ingest = new URL(runtime().ingestHttp).port;
    const second = new Up(other, { GATEWAY_PORT: port, INGEST_HTTP_PORT: ingest });
    expect(await second.exited).toBe(1);
    expect(second.err.trim().split('\n')).toHaveLength(2);
    expect(second.err).toMatch(new RegExp(`^Port ${port} for .* is in use: .*GATEWAY_PORT.*\\.$`, 'm'));
    expect(second.err).toMatch(new RegExp(`^Port ${ingest} for .* is in use: .*INGEST_HTTP_PORT.*\\.$`, 'm'));
    expect(second.out).toBe('');
    expect(processesNaming(other)).toEqual([]);
  });

  it('starts again what is killed, at the same place', async () => {
    const before = runtime();
    const victims = ['ingest', 'subscription', 'gateway', 'postgres', 'nats'];
    for (const name of victims) process.kill(before.pids[name] ?? 0, 'SIGKILL');
    await eventually('the victims', () => {
      const { pids } = runtime();
      return victims.every((name) => pids[name] !== undefined && pids[name] !== before.pids[name]);
    });
    await eventually('publishing', () =>
      publish('after-the-kill').then(
        () => true,
        () => false,
      ),
    );
    const { pids: newPids, ops: newOps, ...after } = runtime();
    const { pids: oldPids, ops: oldOps, ...addresses } = before;
    expect(after).toEqual(addresses);
    expect(newPids['projector']).toBe(oldPids['projector']);
    expect(newOps).toEqual(oldOps);
    expect(up.err).toContain('ingest ended (killed by SIGKILL); starting it again');
  });

  it('stops in order, leaves no process, and goes on with its data', async () => {
    const settings = { name: 'kept', webhook_url: 'https://example.com/hook', event_types: ['*'] };
    const { data } = await rest().call<{ data: { webhook_id: string } }>('POST', '/webhooks', settings);
    up.child.kill('SIGTERM');
    expect(await up.exited).toBe(0);
    expect(processesNaming(dir)).toEqual([]);
    expect(existsSync(join(dir, 'runtime.json'))).toBe(false);

    up = await new Up(dir).untilReady();
    expect(runtime().apiKey).toBe('a-key-brought-along-0123456789');
    const found = await rest().call<{ data: { uuid: string }[] }>('GET', '/webhooks');
    expect(found.data.map(({ uuid }) => uuid)).toEqual([data.webhook_id]);
  });

  it('leaves no process behind when it is killed, and starts again at once, with a key that works', async () => {
    const { pids, apiKey } = runtime();
    const [key] = JSON.parse(grapnel('keys', 'list', '--tenant', 'demo', '--json')) as { id: string }[];
    expect(grapnel('keys', 'revoke', key?.id ?? '', '--tenant', 'demo')).toContain('is revoked');
    up.child.kill('SIGKILL');
    await up.exited;
    expect(() => grapnel('status')).toThrow(/The platform of .* is gone: .*Start it again/);
    up = await new Up(dir).untilReady();
    expect(Object.entries(pids).filter(([, pid]) => isAlive(pid))).toEqual([]);
    expect(runtime().apiKey).not.toBe(apiKey);
    await expect(publish('after-the-crash')).resolves.toMatchObject({ success: true });
  });

  it('can be stopped while it is starting', async () => {
    const other = join(folder, 'hurried');
    const second = new Up(other);
    await eventually('a service', () => processesNaming(other).some((line) => line.includes('/services/')));
    second.child.kill('SIGINT');
    await second.exited;
    expect(second.ready).toBe(false);
    expect(processesNaming(other)).toEqual([]);
  });
});
