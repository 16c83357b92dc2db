import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topology } from '@grapnel/contracts/topology';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { eventually } from '@grapnel/testkit/eventually';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { describeEventStreams, type Subject } from './conformance.ts';
import { openStreams } from './open.ts';
import { StoreUnavailable } from './ports.ts';
import { DEFAULT_PROVISION, provision, serverProblem } from './provision.ts';
import { publishUntilStored } from './until-stored.ts';

const PARTITIONS = 2;

async function onServer(url: string, batches = false): Promise<Subject> {
  const names = topology(testPrefix(), PARTITIONS);
  const open = await openStreams(
    { servers: [url], user: null, password: null, names, batches },
    'test',
    systemClock,
    silentLogger,
  );
  await provision(open.connections.publishing, names, { ...DEFAULT_PROVISION, batches });
  return { streams: open.streams, names, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}

/** The oldest server that is supported, as Debian 12 ships it. */
async function onOldest(batches: boolean): Promise<Subject> {
  const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats29-'));
  const binary = await findNatsServer({ cacheDir: projectCacheDir, version: '2.9', onProgress: () => {} });
  const server = await startNats({ binary, storeDir });
  const subject = await onServer(server.url, batches);
  return {
    ...subject,
    async [Symbol.asyncDispose]() {
      await subject[Symbol.asyncDispose]();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}

describeEventStreams('JetStream, newest nats-server', () => onServer(natsUrl()));
describeEventStreams('JetStream, newest nats-server, in batches', () => onServer(natsUrl(), true));
describeEventStreams('JetStream, nats-server 2.9', () => onOldest(false));
describeEventStreams('JetStream, nats-server 2.9, which knows no batches', () => onOldest(true));

describe('provisioning', () => {
  it('is told of a server whose messages are too small, and what to set', async () => {
    const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats-small-'));
    const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: () => {} });
    const server = await startNats({ binary, storeDir, maxPayload: 1_048_576 });
    try {
      const config = { servers: [server.url], user: null, password: null, names: topology(testPrefix(), PARTITIONS) };
      await using open = await openStreams(config, 'test', systemClock, silentLogger);
      expect(serverProblem(open.connections.publishing)).toContain('set max_payload: 8MB');
    } finally {
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    }
  });
});

describe('a reader whose consumer the server has lost', () => {
  it.each([0, 20])(
    'goes on with another, without a gap (resting %i ms)',
    async (restMs) => {
      const names = topology(testPrefix(), PARTITIONS);
      const config = { servers: [natsUrl()], user: null, password: null, names };
      await using open = await openStreams(config, 'test', systemClock, silentLogger);
      const { streams, connections } = open;
      await provision(connections.publishing, names, DEFAULT_PROVISION);
      const { events } = names.streams;
      const publish = (n: number) =>
        streams.publish({
          subject: names.subjects.event('acme', 'crawl.page'),
          body: Buffer.from(`${n}`),
          headers: {},
        });
      const stop = new AbortController();
      const seen: number[] = [];
      const reading = (async () => {
        for await (const batch of streams.readBatches(events, { after: 0, maxSize: 10, restMs, signal: stop.signal })) {
          seen.push(...batch.map(({ body }) => Number(Buffer.from(body).toString())));
        }
      })();
      const manager = await jetstreamManager(connections.consuming);
      for (let n = 0; n < 30; n++) {
        await publish(n);
        if (n % 10 !== 5) continue;
        await eventually(() => expect(seen).toContain(n));
        for await (const { name } of manager.consumers.list(events)) await manager.consumers.delete(events, name);
      }
      await eventually(() => expect(seen.at(-1)).toBe(29), { timeoutMs: 20_000 });
      expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => n));
      stop.abort();
      await reading;
      await eventually(async () => {
        const left: string[] = [];
        for await (const { name } of manager.consumers.list(events)) left.push(name);
        expect(left).toEqual([]);
      });
    },
    40_000,
  );
});

describe('JetStream when the server goes away', () => {
  it('says what it does not know, and goes on by itself', async () => {
    const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-nats-'));
    const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: () => {} });
    let server = await startNats({ binary, storeDir });
    const { port } = server;
    const { streams, names, ...subject } = await onServer(server.url);
    const stop = new AbortController();
    try {
      const message = (text: string) => ({
        subject: names.subjects.event('acme', 'crawl.page'),
        body: Buffer.from(text),
        headers: {},
        id: text,
      });
      const seen: string[] = [];
      const reading = (async () => {
        for await (const each of streams.read(names.streams.events, { after: 0, signal: stop.signal })) {
          seen.push(Buffer.from(each.body).toString());
        }
      })();
      const inBatches: string[] = [];
      const batches = { after: 0, maxSize: 10, restMs: 20, signal: stop.signal };
      const readingBatches = (async () => {
        for await (const batch of streams.readBatches(names.streams.events, batches)) {
          inBatches.push(...batch.map(({ body }) => Buffer.from(body).toString()));
        }
      })();
      await streams.publish(message('before'));
      await server.kill();
      await eventually(() => expect(streams.problem()).toBe('nats: not connected'));
      await expect(streams.publish(message('during'))).rejects.toThrow(StoreUnavailable);
      const stored = publishUntilStored(streams, message('after'), systemClock, stop.signal);
      server = await startNats({ binary, storeDir, port });
      await stored;
      expect(streams.problem()).toBeNull();
      await eventually(() => expect(seen).toEqual(['before', 'after']), { timeoutMs: 15_000 });
      await eventually(() => expect(inBatches).toEqual(['before', 'after']), { timeoutMs: 15_000 });
      stop.abort();
      await Promise.all([reading, readingBatches]);
    } finally {
      stop.abort();
      await subject[Symbol.asyncDispose]();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    }
  }, 40_000);
});
