// The entry to everything: `node boot.mjs <command> [args…]`. Installs the dependencies when they changed, picks a
// Node that is new enough, and runs the command with it. Runs on Node 18 and newer and needs nothing installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.grapnel-install.json');
const PNPM = ['--yes', '--package', 'pnpm@12.21.0', '--', 'pnpm'];
const OLDEST_NODE = 24;

/** What each command runs; paths in the repository, but the working directory stays the caller's. */
const COMMANDS = {
  start: ['packages/cli/src/main.ts', 'up'],
  test: ['packages/testkit/src/run-tests.ts'],
  verify: ['packages/testkit/src/verify.ts'],
  conformance: ['test/conformance/main.ts'],
  bench: ['test/load/main.ts'],
  grapnel: ['packages/cli/src/main.ts'],
};

const [command, ...args] = process.argv.slice(2);
if (command === 'pnpm') {
  run('npx', [...PNPM, ...args]);
} else if (command !== undefined && Object.hasOwn(COMMANDS, command)) {
  ensureDependencies();
  const [script, ...fixed] = COMMANDS[command];
  run(pickNode(), [join(root, script), ...fixed, ...args]);
} else {
  fail(`Usage: node boot.mjs <${[...Object.keys(COMMANDS), 'pnpm'].join('|')}> [arguments]`);
}

/** Installs when the lockfile or a package.json differs from what was installed last. An interrupted one is repeated. */
function ensureDependencies() {
  const wanted = JSON.stringify({ hash: dependencyHash(), platform: process.platform, arch: process.arch });
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('[set-up] installing dependencies with pnpm (about a minute at most; only when they changed)');
  const started = Date.now();
  const install = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  if (!process.stderr.isTTY) install.push('--reporter=append-only');
  // npm's own pauses between retries add up to more than a minute of silence when the registry is out of reach.
  const env = { npm_config_fetch_retry_mintimeout: '1000', npm_config_fetch_retry_maxtimeout: '5000', ...process.env };
  const result = spawnSync('npx', [...PNPM, ...install], { cwd: root, stdio: ['ignore', 2, 2], env });
  if (result.error?.code === 'ENOENT')
    fail('npx was not found: install npm, which comes with Node, and run this again.');
  if (result.status !== 0) {
    fail(
      'Installing the dependencies failed (see above): if the npm registry is out of reach, set another with ' +
        '"npm config set registry URL"; then run this again, it goes on where it stopped.',
    );
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stamp, wanted);
  console.error(`[set-up] dependencies are ready (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

function dependencyHash() {
  const hash = createHash('sha256');
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  hash.update(workspace).update(readFileSync(join(root, 'pnpm-lock.yaml')));
  for (const folder of ['.', ...workspaceFolders(workspace)]) {
    const manifest = join(root, folder, 'package.json');
    if (existsSync(manifest)) hash.update(`${folder}\n`).update(readFileSync(manifest));
  }
  return hash.digest('hex');
}

/** The entries under `packages:`, each a folder or `folder/*`. */
function workspaceFolders(yaml) {
  const block = /^packages:\n((?:[ ]+-.*\n)+)/m.exec(yaml)?.[1] ?? '';
  const entries = [...block.matchAll(/-\s*['"]?([^'"\s]+)/g)].map((match) => match[1]);
  return entries.flatMap((entry) => {
    if (!entry.endsWith('/*')) return [entry];
    const parent = entry.slice(0, -2);
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent))
      .sort()
      .map((name) => `${parent}/${name}`);
  });
}

/** The Node that was installed with the dependencies where there is one for this platform, or the current one. */
function pickNode() {
  const installed = join(modules, '.bin', 'node');
  if (existsSync(installed) && spawnSync(installed, ['--version']).status === 0) return installed;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath;
  return fail(
    `Node ${OLDEST_NODE} or newer is needed here and this is ${process.version}: install it and run this again.`,
  );
}

function run(program, argv) {
  const path = [join(modules, '.bin'), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(program, argv, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  const forward = (signal) => child.kill(signal);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', forward);
  // A terminal sends Ctrl-C to the whole process group, the child included; without one it comes to us alone. The platform
  // takes what comes twice for once, and somebody else than the terminal may have sent it to us.
  const passedOn = command !== 'start' && (process.stdin.isTTY || process.stderr.isTTY);
  process.on('SIGINT', passedOn ? () => undefined : forward);
  if (command === 'start' && process.env.npm_lifecycle_event !== undefined) endWithParent(child);
  child.on('error', (error) => fail(`${program} could not be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Under npm: when npm is gone, however it went, nobody is left to stop what it started. */
function endWithParent(child) {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    child.kill('SIGTERM');
  }, 500);
  look.unref();
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
