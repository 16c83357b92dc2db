import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { startPostgres } from '@grapnel/embedded/postgres';
import { isAlive } from '@grapnel/embedded/process-table';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import type { TestProject } from 'vitest/node';
import { readTestEnv } from './config.ts';

declare module 'vitest' {
  interface ProvidedContext {
    natsUrl: string;
    postgresUrl: string;
  }
}

/** The servers that one test run shares. */
interface TestServers {
  readonly natsUrl: string;
  readonly postgresUrl: string;
  stop(): Promise<void>;
}

/**
 * Vitest's global set-up: one nats-server and one Postgres for the whole run; each test file isolates itself by prefix
 * and database (`infra.ts`). A server that cannot be had fails the run.
 * @public named by vitest.config.ts
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { infra, nats } = readTestEnv();
  const servers = infra === 'containers' ? await startContainers() : await startEmbedded(nats);
  project.provide('natsUrl', servers.natsUrl);
  project.provide('postgresUrl', servers.postgresUrl);
  return () => servers.stop();
}

/** Followed by the process id of the run. */
const FOLDER_PREFIX = 'grapnel-test-';

/** Plenty for parallel test files with a pool or two each. */
const TEST_POSTGRES = { max_connections: '300', fsync: 'off' };

async function startEmbedded(version: 'newest' | '2.9'): Promise<TestServers> {
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  // Postgres may run as another user, who has to get through this folder.
  await chmod(folder, 0o711);
  const onProgress = (message: string): void => console.error(`[test set-up] ${message}`);
  const postgresStarting = startPostgres({
    dataDir: join(folder, 'postgres'),
    settings: TEST_POSTGRES,
    onProgress: () => undefined,
  });
  const stop = async (): Promise<void> => {
    await Promise.allSettled([natsStarting.then((server) => server.stop())]);
    await Promise.allSettled([postgresStarting.then((server) => server.stop())]);
    await rm(folder, { recursive: true, force: true });
  };
  const natsStarting = findNatsServer({ cacheDir: projectCacheDir, version, onProgress }).then((binary) =>
    startNats({ binary, storeDir: join(folder, 'nats') }),
  );
  try {
    const [nats, postgres] = await Promise.all([natsStarting, postgresStarting]);
    return { natsUrl: nats.url, postgresUrl: postgres.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Folders of runs that were interrupted before they could clean up. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const pid = Number.parseInt(name.slice(FOLDER_PREFIX.length), 10);
    if (!isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function startContainers(): Promise<TestServers> {
  // Loaded here only: it is large, and nothing else needs it.
  const containers = await import('./containers.ts');
  return containers.startContainerServers();
}
