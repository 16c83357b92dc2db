import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('../main.ts', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapnel-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function grapnel(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...env },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** What a supervisor that was killed leaves behind. */
function leftover(): string {
  const dir = mkdtempSync(join(folder, 'killed-'));
  const runtime = { gateway: 'http://127.0.0.1:1', queryGrpc: '127.0.0.1:1', apiKey: 'k', pids: {}, ops: {} };
  writeFileSync(join(dir, 'runtime.json'), JSON.stringify(runtime));
  writeFileSync(join(dir, 'up.json'), '{"pid":2147483646}');
  return dir;
}

describe('the command line', { timeout: 120_000 }, () => {
  it.each(['webhooks', 'keys', 'events'])('answers a bare "%s" with its help', (group) => {
    const { status, stdout } = grapnel([group]);
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: grapnel ${group} [options] [command]`);
    expect(grapnel([group, 'nonsense'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("unknown command 'nonsense'"),
    });
  });

  it('writes its examples so that they can be copied', () => {
    expect(grapnel(['webhooks', '--help']).stdout).toContain('$ grapnel webhooks list');
    const { stdout } = grapnel(['webhooks', '--help'], { npm_lifecycle_event: 'grapnel' });
    expect(stdout).toContain('Usage: npm run grapnel -- webhooks');
    expect(stdout).toContain('$ npm run grapnel -- webhooks list');
    expect(stdout).not.toContain('$ grapnel');
  });

  it.each([['status'], ['webhooks', 'list'], ['provision'], ['publish', '--type', 'crawl.page', '--data', '1']])(
    'says of a killed platform that it is gone, and what to do: %s %s',
    (...args) => {
      const { status, stdout, stderr } = grapnel([...args, '--data-dir', leftover()]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^The platform of .* is gone: .*runtime\.json is left over\. Start it again/);
    },
  );

  it('says what is not the id of a delivery before it asks anybody', () => {
    const { status, stderr } = grapnel(['deliveries', 'show', 'nope'], {
      GRAPNEL_URL: 'http://127.0.0.1:1',
      QUERY_GRPC: '127.0.0.1:1',
      GRAPNEL_API_KEY: 'a-key-0123456789abcdef',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('"nope" is not the id of a delivery');
  });

  it('says that a data directory has no platform to provision', () => {
    expect(grapnel(['provision', '--data-dir', join(folder, 'none')])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^No platform is running in .*set NATS_URL/),
    });
  });

  it.skipIf(process.platform !== 'linux')('does not hang on a data directory that cannot be made', () => {
    const { status, stderr } = grapnel(['up', '--data-dir', '/proc/x']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The data directory \/proc\/x cannot be used \(\w+\): choose another with --data-dir\.$/m);
  });
});
