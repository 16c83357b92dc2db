import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewMessage } from '@grapnel/contracts/message';
import { type Topology, topology } from '@grapnel/contracts/topology';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { type OpenStreams, openStreams } from './open.ts';
import { type EventStreams, StoreUnavailable } from './ports.ts';
import { DEFAULT_PROVISION, provision } from './provision.ts';
import { takesBatches } from './server-features.ts';
import { publishUntilStored } from './until-stored.ts';

async function open(url: string, names: Topology): Promise<OpenStreams> {
  return openStreams(
    { servers: [url], user: null, password: null, names, batches: true },
    'test',
    systemClock,
    silentLogger,
  );
}

/** On the suite's server, with streams that take batches or do not. */
async function provisioned(names: Topology, batches = true): Promise<OpenStreams> {
  const line = await open(natsUrl(), names);
  await provision(line.connections.publishing, names, { ...DEFAULT_PROVISION, batches });
  return line;
}

const message = (names: Topology, id: string, more: Partial<NewMessage> = {}): NewMessage => ({
  subject: names.subjects.event('acme', 'crawl.page'),
  body: Buffer.from(id),
  headers: { 'X-Id': id },
  id,
  ...more,
});

/** Everything in EVENTS, and how many of it came in batches. */
async function stored(streams: EventStreams, { streams: { events } }: Topology) {
  const { lastSequence } = await streams.state(events);
  const bodies: string[] = [];
  let inBatches = 0;
  for (let sequence = 1; sequence <= lastSequence; sequence++) {
    const found = await streams.get(events, sequence);
    bodies.push(Buffer.from(found?.body ?? []).toString());
    if (found?.header('Nats-Batch-Id') !== undefined) inBatches++;
  }
  return { bodies, inBatches };
}

describe('publishing in batches', () => {
  const fresh = (count: number): string[] => Array.from({ length: count }, () => randomBytes(6).toString('hex'));

  it('stores what is published at once together, in its order, and tells each where it is', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names);
    const ids = fresh(1_200);
    const answers = await Promise.all(ids.map((id) => line.streams.publish(message(names, id))));
    expect(answers.map(({ sequence }) => sequence)).toEqual(ids.map((_, i) => i + 1));
    expect(answers.filter(({ duplicate }) => duplicate)).toEqual([]);
    const { bodies, inBatches } = await stored(line.streams, names);
    expect(bodies).toEqual(ids);
    // The suite runs on nats-server 2.9 too.
    expect(inBatches > 1_000).toBe(takesBatches(line.connections.publishing));
  });

  it('tells those that were there from those that were not, within one batch', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names);
    const [before = '', ...others] = fresh(60);
    const { sequence } = await line.streams.publish(message(names, before));
    const twice = others[4] ?? '';
    const ids = [...others.slice(0, 5), before, ...others.slice(5), twice];
    const answers = await Promise.all(ids.map((id) => line.streams.publish(message(names, id))));
    expect(answers.map(({ duplicate }) => duplicate)).toEqual(ids.map((id, i) => id === before || i === 60));
    expect(answers[5]?.sequence).toBe(sequence);
    expect(answers[60]?.sequence).toBe(answers[4]?.sequence);
    expect((await stored(line.streams, names)).bodies).toEqual([before, ...others]);
  });

  it.each([0, 30, 59])('refuses what cannot be sent alone, also as number %i of a batch', async (where) => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names);
    const all = fresh(60).map((id) => message(names, id));
    const wrong = (all[where] = message(names, 'wrong', { headers: { 'X-Id': 'two\nlines' } }));
    const answers = await Promise.allSettled(all.map((each) => line.streams.publish(each)));
    const rejected = all.filter((_, i) => answers[i]?.status === 'rejected');
    expect(rejected).toEqual([wrong]);
    const { bodies } = await stored(line.streams, names);
    expect(bodies).toEqual(all.filter((each) => each !== wrong).map(({ id }) => id));
  });

  it('stores what is larger than a batch may be', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names);
    const all = Array.from({ length: 30 }, (_, i) =>
      message(names, `m${i}`, { body: Buffer.alloc(i % 10 === 0 ? 5_000_000 : 400_000, `${i % 10}`) }),
    );
    const answers = await Promise.all(all.map((each) => line.streams.publish(each)));
    expect(answers.map(({ sequence }) => sequence)).toEqual(all.map((_, i) => i + 1));
  });

  it('is given up where it is provisioned without', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await open(natsUrl(), names);
    const { publishing } = line.connections;
    const manager = await jetstreamManager(publishing);
    const allowed = async () => (await manager.streams.info(names.streams.events)).config.allow_atomic === true;
    await provision(publishing, names, { ...DEFAULT_PROVISION, batches: true });
    expect(await allowed()).toBe(takesBatches(publishing));
    await provision(publishing, names, DEFAULT_PROVISION);
    expect(await allowed()).toBe(false);
  });

  it('goes one by one while there are few', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names);
    const ids = fresh(10);
    await Promise.all(ids.map((id) => line.streams.publish(message(names, id))));
    expect(await stored(line.streams, names)).toEqual({ bodies: ids, inBatches: 0 });
  });

  it('goes one by one where the streams take no batches', async () => {
    const names = topology(testPrefix(), 2);
    await using line = await provisioned(names, false);
    const ids = fresh(100);
    await Promise.all(ids.map((id) => line.streams.publish(message(names, id))));
    expect(await stored(line.streams, names)).toEqual({ bodies: ids, inBatches: 0 });
  });

  it('loses nothing and stores nothing twice when the server is killed among batches', async () => {
    const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats-'));
    const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: () => {} });
    let server = await startNats({ binary, storeDir, syncAlways: true });
    const { port } = server;
    const names = topology(testPrefix(), 2);
    const stop = new AbortController();
    try {
      await using line = await open(server.url, names);
      await provision(line.connections.publishing, names, { ...DEFAULT_PROVISION, batches: true });
      const ids = fresh(3_000);
      let failed = 0;
      const { streams } = line;
      const once: EventStreams['publish'] = (each) =>
        streams.publish(each).catch((error: unknown) => {
          if (error instanceof StoreUnavailable) failed++;
          throw error;
        });
      const publishing = ids.map((id) =>
        publishUntilStored({ ...streams, publish: once }, message(names, id), systemClock, stop.signal),
      );
      await Promise.race(publishing);
      await server.kill();
      server = await startNats({ binary, storeDir, port, syncAlways: true });
      await Promise.all(publishing);
      expect(failed).toBeGreaterThan(0);
      expect((await stored(streams, names)).bodies.toSorted()).toEqual(ids.toSorted());
    } finally {
      stop.abort();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    }
  }, 40_000);
});
