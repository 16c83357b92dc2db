import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import type { OnProgress } from './setup-error.ts';

/** A release archive of nats-server on GitHub and the SHA-256 it must have. */
export interface NatsRelease {
  readonly version: string;
  readonly platform: string;
  readonly sha256: string;
}

/**
 * Pins are taken from the checksums in the official Docker image's build steps and agree with a second, independent
 * list. A platform without a pin gets no download: it goes on to its package manager.
 */
export const NATS_RELEASES: readonly NatsRelease[] = [
  {
    version: '2.11.8',
    platform: 'linux-amd64',
    sha256: '397a6deffb5533e160de0cca322bc3dcaec7fb7282d66a3dfa87a9c183152ad1',
  },
  {
    version: '2.11.8',
    platform: 'linux-arm64',
    sha256: 'b08936cb1dc0ae7086137bda14c352df64397c4af45ed2b392705c19585aeb84',
  },
  {
    version: '2.9.10',
    platform: 'linux-amd64',
    sha256: '1dc0829c9cddbc9474a768853d464bd8b32cdaa51f66633825a20462b36071c8',
  },
];

const CONNECT_TIMEOUT_MS = 4_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
/** Release archives are about 6 MB. */
const MAX_ARCHIVE_BYTES = 64 * 1024 * 1024;

/** The release for this machine, if one is pinned. */
export function pinnedRelease(accept: (version: string) => boolean): NatsRelease | undefined {
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch;
  return NATS_RELEASES.find(({ version, platform }) => platform === `${process.platform}-${cpu}` && accept(version));
}

/** Downloads, checks and unpacks a release into `folder`; returns the path of the binary. Throws with the reason. */
export async function downloadNats(release: NatsRelease, folder: string, onProgress: OnProgress): Promise<string> {
  const stem = `nats-server-v${release.version}-${release.platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${release.version}/${stem}.tar.gz`;
  onProgress(`downloading nats-server ${release.version} from github.com`);
  const archive = await fetchBounded(url);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  if (sha256 !== release.sha256) throw new Error(`the archive's SHA-256 is ${sha256}, not ${release.sha256}`);
  const archivePath = join(folder, `${stem}.tar.gz`);
  await writeFile(archivePath, archive);
  const unpacked = await runCommand('tar', ['-xzf', archivePath, '-C', folder]);
  if (!unpacked.ok) throw new Error(`tar: ${unpacked.reason}`);
  return join(folder, stem, 'nats-server');
}

async function fetchBounded(url: string): Promise<Buffer> {
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(new Error('no answer')), CONNECT_TIMEOUT_MS);
  const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
  const response = await fetch(url, { signal }).finally(() => clearTimeout(timer));
  if (!response.ok || response.body === null) throw new Error(`github.com answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ARCHIVE_BYTES) throw new Error('the archive is larger than it can be');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
