import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { type Prefix, type Topology, topology } from '@grapnel/contracts/topology';
import type { TenantId } from '@grapnel/domain/ids';
import { type Matchable, MatchIndex } from '@grapnel/domain/match';
import { ok } from '@grapnel/domain/result';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { Directory } from '@grapnel/subscription/directory';
import { perSecond } from './limits.ts';
import { LARGE, WIDE, webhookOf } from './match-fleet.ts';
import type { Bench, Figure } from './report.ts';

/** Which webhooks want an event, and how long a service takes to know all of them. */
export const match: Bench = async ({ quick, log }) => {
  const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000];
  await using stack = new AsyncDisposableStack();
  const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  stack.defer(() => rm(storeDir, { recursive: true, force: true }));
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
  const nats = stack.use(await startNats({ binary, storeDir }));
  const figures: Figure[] = [];
  for (const size of sizes) {
    const of = `${size.toLocaleString('en-US')} webhooks`;
    log(`${of}: matching …`);
    figures.push(...matchingFigures(size, of));
    log(`${of}: starting …`);
    figures.push(...(await startFigures(nats.url, size, of)));
  }
  return {
    name: 'match: which webhooks want an event',
    figures,
    notes: ['Times of matching and of starting are CPU time of this process, except where they say otherwise.'],
  };
};

function matchingFigures(size: number, of: string): Figure[] {
  const webhooks = Array.from({ length: size }, (_, n) => webhookOf(n));
  const before = heapBytes();
  const index = new MatchIndex();
  for (const webhook of webhooks) index.put(webhook);
  const perWebhook = (heapBytes() - before) / size;

  const ask = (tenant: TenantId, event: Matchable): number => index.match(tenant, event, () => ok(true)).length;
  const tags = ['tag-x', 'tag-y', 'tag-z'];
  const missed = { type: 'crawl.page', taskId: 'task-none', jobId: 'job-none', tags };
  const miss = microseconds(200_000, () => ask(LARGE, missed));
  const one = microseconds(200_000, (n) => ask(LARGE, { ...missed, taskId: `task-${(n * 10) % size}` }));
  const wide = { type: 'search.completed', taskId: null, jobId: null };
  const wideMatches = ask(WIDE, wide);
  const many = microseconds(Math.ceil(2_000_000 / wideMatches), () => ask(WIDE, wide));
  const asked = { type: 'batch_scrape.page', taskId: 'task-none', jobId: 'job-none', tags };
  const familyMatches = ask(LARGE, asked);
  const family = microseconds(Math.ceil(2_000_000 / familyMatches), () => ask(LARGE, asked));

  const bare = new Map(webhooks.map(({ tenant, id }) => [`${tenant} ${id}`, id]));
  const keys = webhooks.slice(0, 1_000).map(({ tenant, id }) => `${tenant} ${id}`);
  const lookUp = microseconds(2_000_000, (n) => bare.get(keys[n % keys.length] ?? ''));
  return [
    { name: `${of}, limit: one look-up in a Map`, value: lookUp, unit: 'µs' },
    { name: `${of}, an event nobody wants`, value: miss, unit: 'µs', ratio: { of: 'look-up', value: miss / lookUp } },
    { name: `${of}, an event one wants`, value: one, unit: 'µs', ratio: { of: 'look-up', value: one / lookUp } },
    {
      ...{ name: `${of}, each of ${wideMatches.toLocaleString('en-US')} that want everything` },
      ...{ value: Math.max(0, many - miss) / wideMatches, unit: 'µs' },
    },
    {
      ...{ name: `${of}, each of ${familyMatches.toLocaleString('en-US')} that want the family` },
      ...{ value: Math.max(0, family - miss) / familyMatches, unit: 'µs' },
    },
    { name: `${of}, memory of the index`, value: perWebhook, unit: 'bytes a webhook' },
  ];
}

async function startFigures(nats: string, size: number, of: string): Promise<Figure[]> {
  const prefix: Prefix = { stream: `M${size}_`, subject: `m${size}.` };
  const names = topology(prefix, 1);
  await using open = await openStreams(
    { servers: [nats], user: null, password: null, names },
    ...(['bench', systemClock, silentLogger] as const),
  );
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const { streams } = open;
  let n = 0;
  await perSecond(size, 512, () => {
    const webhook = webhookOf(n++);
    const { id, tenant } = webhook;
    const recorded = { event: { type: 'activated', at: 1 }, state: { kind: 'present', webhook } };
    return streams.publish(encodeRecorded({ tenant, kind: 'webhook', id }, recorded, 0, names));
  });
  const raw = await timed(() => readAll(streams, names, size));
  const before = heapBytes();
  const stop = new AbortController();
  const directory = new Directory(streams, names, silentLogger);
  let following: Promise<void> | null = null;
  const start = await timed(async () => {
    following = directory.follow(stop.signal);
    await directory.caughtUp();
  });
  const perWebhook = (heapBytes() - before) / size;
  stop.abort();
  await (following as Promise<void> | null);
  return [
    { name: `${of}, limit: reading WEBHOOKS, wall clock`, value: raw.wall, unit: 'ms' },
    {
      ...{ name: `${of}, start of the directory, wall clock`, value: start.wall, unit: 'ms' },
      ratio: { of: 'reading', value: start.wall / raw.wall },
    },
    { name: `${of}, limit: reading WEBHOOKS`, value: raw.cpu, unit: 'ms' },
    {
      ...{ name: `${of}, start of the directory`, value: start.cpu, unit: 'ms' },
      ratio: { of: 'reading', value: start.cpu / raw.cpu },
    },
    { name: `${of}, memory of directory and index`, value: perWebhook, unit: 'bytes a webhook' },
  ];
}

async function readAll(streams: EventStreams, names: Topology, size: number): Promise<void> {
  const stop = new AbortController();
  let read = 0;
  for await (const { sequence } of streams.read(names.streams.webhooks, {
    ...{ after: 0, lastPerSubject: true, signal: stop.signal },
  })) {
    if (sequence > 0 && ++read === size) break;
  }
  stop.abort();
}

async function timed(work: () => Promise<void>): Promise<{ readonly wall: number; readonly cpu: number }> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - began, cpu: (user + system) / 1_000 };
}

/** CPU time of one call, after some that are not counted. */
function microseconds(times: number, work: (n: number) => unknown): number {
  for (let n = 0; n < Math.min(times, 10_000); n++) work(n);
  const before = process.cpuUsage();
  for (let n = 0; n < times; n++) work(n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use after garbage collection. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
