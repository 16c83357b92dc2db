import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeText } from '@grapnel/contracts/message';
import { topology } from '@grapnel/contracts/topology';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, headers as newHeaders } from '@nats-io/nats-core';
import { bodyOf, perSecond } from './limits.ts';
import type { Bench, Figure } from './report.ts';

const BYTES = 1_024;
const STREAM = 'DURABILITY';
const BATCHES = [100, 500] as const;
/** Batches under way at once; a server allows 50 for a stream. */
const BATCHES_AT_ONCE = 8;

/**
 * What an acknowledged message costs when it is on the disk before it is acknowledged (`sync_interval: always`), next to the
 * server's own interval: published one by one as the services do, and in atomic batches (nats-server 2.12 and newer).
 */
export const durability: Bench = async ({ quick, log }) => {
  const count = quick ? 10_000 : 100_000;
  const figures: Figure[] = [];
  for (const syncAlways of [false, true]) {
    const mode = syncAlways ? 'sync_interval: always' : 'default sync_interval';
    log(`${mode} …`);
    figures.push(...(await inMode(mode, syncAlways, syncAlways ? count / 5 : count, log)));
  }
  return { name: `durability: messages of ${BYTES} bytes, published and acknowledged`, figures, notes: [] };
};

async function inMode(
  mode: string,
  syncAlways: boolean,
  count: number,
  log: (line: string) => void,
): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  stack.defer(() => rm(storeDir, { recursive: true, force: true }));
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
  const nats = stack.use(await startNats({ binary, storeDir, syncAlways }));
  const config = { servers: [nats.url], user: null, password: null, names: topology() };
  const { streams, connections } = stack.use(await openStreams(config, 'bench', systemClock, silentLogger));
  const connection = connections.publishing;
  const manager = await jetstreamManager(connection);
  const atomic = (connection.info?.version ?? '0').localeCompare('2.12', 'en', { numeric: true }) >= 0;
  await manager.streams.add({ name: STREAM, subjects: ['d.>'], ...(atomic ? { allow_atomic: true } : {}) });
  const body = Buffer.from(bodyOf(BYTES, 0));
  let n = 0;
  const single = await perSecond(count, 512, () =>
    streams.publish({ subject: `d.${n++ % 1_000}`, body, headers: {}, id: `m${n}` }),
  );
  const figures: Figure[] = [{ name: `${mode}: one by one`, value: single, unit: 'messages/s' }];
  if (!atomic) return figures;
  for (const size of BATCHES) {
    const batches = await perSecond(Math.ceil(count / size), BATCHES_AT_ONCE, () =>
      publishBatch(connection, size, body),
    );
    const ratio = { of: 'one by one', value: (batches * size) / single };
    figures.push({ name: `${mode}: in batches of ${size}`, value: batches * size, unit: 'messages/s', ratio });
  }
  return figures;
}

let made = 0;

/** All of them or none; the answer to the last is for all. */
async function publishBatch(connection: NatsConnection, size: number, body: Uint8Array): Promise<void> {
  const id = `b${made++}`;
  for (let i = 1; i < size; i++) connection.publish(`d.${i}`, body, { headers: batchHeaders(id, i) });
  const last = batchHeaders(id, size);
  last.set('Nats-Batch-Commit', '1');
  const answer = JSON.parse(
    decodeText((await connection.request('d.0', body, { headers: last, timeout: 30_000 })).data),
  );
  if (answer.error !== undefined) throw new Error(`a batch was refused: ${answer.error.description}`);
}

function batchHeaders(id: string, sequence: number) {
  const headers = newHeaders();
  headers.set('Nats-Batch-Id', id);
  headers.set('Nats-Batch-Sequence', String(sequence));
  return headers;
}
