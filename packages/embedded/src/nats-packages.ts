import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { APT_OPTIONS, APT_TIMEOUT_MS, aptInstall } from './apt-install.ts';
import { isExecutable } from './nats-cache.ts';
import { runCommand } from './run-command.ts';
import type { OnProgress } from './setup-error.ts';

const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const HOOKS = [
  'APT::Update::Pre-Invoke',
  'APT::Update::Post-Invoke',
  'APT::Update::Post-Invoke-Success',
  'DPkg::Post-Invoke',
];

/**
 * Fetches nats-server from one Debian suite, whatever release this machine runs, with apt lists of its own: the
 * system's sources stay as they are and no root is needed. Signatures are checked by apt. Returns the binary's path.
 */
export async function fetchFromDebianSuite(
  suite: 'forky' | 'bookworm',
  folder: string,
  onProgress: OnProgress,
): Promise<string> {
  await access(DEBIAN_KEYRING).catch(() => {
    throw new Error('this system has no Debian keyring');
  });
  const mirror = await debianMirror();
  for (const sub of ['lists/partial', 'cache/archives/partial']) await mkdir(join(folder, sub), { recursive: true });
  const sources = join(folder, 'sources.list');
  await writeFile(sources, `deb [signed-by=${DEBIAN_KEYRING}] ${mirror} ${suite} main\n`);
  // The system's hooks are for the system's lists: in Debian's container images one of them empties apt's cache.
  const noHooks = join(folder, 'no-hooks.conf');
  await writeFile(noHooks, HOOKS.map((hook) => `#clear ${hook};\n`).join(''));
  const options = [
    ...['-c', noHooks],
    ...['-o', `Dir::Etc::sourcelist=${sources}`, '-o', 'Dir::Etc::sourceparts=/dev/null'],
    ...['-o', `Dir::State::lists=${join(folder, 'lists')}`, '-o', `Dir::Cache=${join(folder, 'cache')}`],
    ...['-o', 'Acquire::Languages=none', '-o', 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false'],
  ];
  onProgress(`reading Debian's package lists (${suite}, about 10 MB, ${mirror})`);
  const update = await runCommand('apt-get', [...APT_OPTIONS, ...options, 'update'], { timeoutMs: APT_TIMEOUT_MS });
  if (!update.ok) throw new Error(`apt-get update: ${update.reason}`);
  return downloadPackage(folder, options, onProgress);
}

/** Fetches the nats-server that this system's own package lists offer, without installing it. No root needed. */
export async function fetchFromSystemLists(folder: string, onProgress: OnProgress): Promise<string> {
  return downloadPackage(folder, [], onProgress);
}

/** `apt-get install nats-server`. Returns the binary's path. */
export async function installWithApt(onProgress: OnProgress): Promise<string> {
  await aptInstall('nats-server', onProgress);
  return binaryUnder('/');
}

/** `brew install nats-server`, on macOS. Returns the binary's path. */
export async function installWithBrew(onProgress: OnProgress): Promise<string> {
  onProgress('installing nats-server with Homebrew');
  const install = await runCommand('brew', ['install', 'nats-server'], {
    timeoutMs: 600_000,
  });
  if (!install.ok) throw new Error(`brew: ${install.reason}`);
  const prefix = await runCommand('brew', ['--prefix', 'nats-server']);
  return join(prefix.stdout.trim(), 'bin', 'nats-server');
}

async function downloadPackage(folder: string, options: string[], onProgress: OnProgress): Promise<string> {
  const downloads = join(folder, 'deb');
  await mkdir(downloads, { recursive: true });
  onProgress('downloading the nats-server package (5 MB)');
  const args = [...APT_OPTIONS, ...options, 'download', 'nats-server'];
  const download = await runCommand('apt-get', args, {
    cwd: downloads,
    timeoutMs: APT_TIMEOUT_MS,
  });
  if (!download.ok) throw new Error(`apt-get download: ${download.reason}`);
  const archive = (await readdir(downloads)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get downloaded nothing');
  const root = join(folder, 'root');
  const unpack = await runCommand('dpkg', ['-x', join(downloads, archive), root]);
  if (!unpack.ok) throw new Error(`dpkg: ${unpack.reason}`);
  return binaryUnder(root);
}

/** Debian has moved the binary from bin to sbin between releases. */
async function binaryUnder(root: string): Promise<string> {
  for (const folder of ['usr/sbin', 'usr/bin', 'sbin', 'bin']) {
    const path = join(root, folder, 'nats-server');
    if (await isExecutable(path)) return path;
  }
  throw new Error('the package holds no nats-server');
}

/** The mirror this machine already uses for Debian, or Debian's own. */
async function debianMirror(): Promise<string> {
  const targets = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const uris = targets.stdout.split('\n');
  return uris.find((uri) => /\/debian\/?$/.test(uri)) ?? 'http://deb.debian.org/debian/';
}
