import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topology } from '@grapnel/contracts/topology';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { bodyOf, perSecond } from './limits.ts';
import type { Bench, Figure } from './report.ts';

const BYTES = 1_024;
/** Publishes that wait for their answers at once. */
const TOGETHER = [1, 32, 512] as const;

/**
 * What an acknowledged message costs when it is on the disk before it is acknowledged (`sync_interval: always`), next to the
 * server's own interval: one by one, and in atomic batches of whatever waits meanwhile, both as the services publish.
 */
export const durability: Bench = async ({ quick, log }) => {
  const count = quick ? 10_000 : 100_000;
  const figures: Figure[] = [];
  for (const syncAlways of [false, true]) {
    const mode = syncAlways ? 'always' : 'default';
    for (const together of TOGETHER) {
      log(`sync_interval ${mode}, ${together} at once …`);
      const messages = Math.ceil(count / (syncAlways ? 5 : 1) / (together === 1 ? 10 : 1));
      const single = await published({ syncAlways, batches: false, together }, messages, log);
      const batched = await published({ syncAlways, batches: true, together }, messages, log);
      const name = `${mode}, ${together} at once`;
      figures.push(
        { name: `${name}: one by one`, value: single, unit: 'messages/s' },
        {
          name: `${name}: in batches`,
          value: batched,
          unit: 'messages/s',
          ratio: { of: 'one by one', value: batched / single },
        },
      );
    }
  }
  return { name: `durability: messages of ${BYTES} bytes, published and acknowledged`, figures, notes: [] };
};

interface Mode {
  readonly syncAlways: boolean;
  readonly batches: boolean;
  readonly together: number;
}

/** Per second, to a server and streams of its own. */
async function published(
  { syncAlways, batches, together }: Mode,
  count: number,
  log: (line: string) => void,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  stack.defer(() => rm(storeDir, { recursive: true, force: true }));
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
  const nats = stack.use(await startNats({ binary, storeDir, syncAlways }));
  const names = topology();
  const config = { servers: [nats.url], user: null, password: null, names, batches };
  const { streams, connections } = stack.use(await openStreams(config, 'bench', systemClock, silentLogger));
  await provision(connections.publishing, names, { ...DEFAULT_PROVISION, batches });
  const body = Buffer.from(bodyOf(BYTES, 0));
  let n = 0;
  return await perSecond(count, together, () =>
    streams.publish({ subject: names.subjects.event(`t${n++ % 1_000}`, 'crawl.page'), body, headers: {}, id: `m${n}` }),
  );
}
