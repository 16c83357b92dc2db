import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { type Topology, topology } from '@grapnel/contracts/topology';
import type { TenantId, TriggerId, WebhookId } from '@grapnel/domain/ids';
import type { WebhookState } from '@grapnel/domain/webhook/webhook';
import { systemClock } from '@grapnel/runtime/clock';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import { readStreamConfig } from '@grapnel/stream/config';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Directory } from './directory.ts';
import { forgetDeleted } from './tombstones.ts';

const TENANT: TenantId = 'acme';
const id = (n: number): WebhookId => `wh_0000000000000000000000000${n}`;
const TRIGGER: TriggerId = 'trg_00000000000000000000000001';
const never = new AbortController().signal;

let stack: AsyncDisposableStack;
let streams: EventStreams;
let names: Topology;
const clock = new FakeClock(1_000_000);

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const prefix = testPrefix();
  names = topology(prefix, 1);
  const env = { NATS_URL: natsUrl(), GRAPNEL_STREAM_PREFIX: prefix.stream, GRAPNEL_SUBJECT_PREFIX: prefix.subject };
  const open = stack.use(
    await openStreams(readStreamConfig(new EnvReader(env)), 'tombstones', systemClock, silentLogger),
  );
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  streams = open.streams;
});
afterEach(() => stack.disposeAsync());

/** A replica's memory; it hears of nothing more once `leave` is called. */
async function replica(): Promise<{ readonly directory: Directory; readonly leave: () => Promise<void> }> {
  const directory = new Directory(streams, names, silentLogger);
  const stop = new AbortController();
  const following = directory.follow(stop.signal);
  const leave = async (): Promise<void> => {
    stop.abort();
    await following;
  };
  stack.defer(leave);
  await directory.caughtUp();
  return { directory, leave };
}

async function deleted(n: number, at: number, after = 0): Promise<number> {
  const state: WebhookState = { kind: 'deleted', id: id(n), tenant: TENANT, at, purged: true };
  const aggregate = { tenant: TENANT, kind: 'webhook', id: id(n) } as const;
  const stored = await streams.publish(
    encodeRecorded(aggregate, { event: { type: 'purged', at }, state }, after, names),
  );
  return stored.sequence;
}

const subject = (n: number): string => names.subjects.aggregate(TENANT, 'webhook', id(n));
const stored = async (n: number): Promise<boolean> =>
  (await streams.lastOn(names.streams.webhooks, subject(n))) !== null;
const sweep = (directory: Directory): Promise<void> =>
  forgetDeleted({ directory, streams, names, clock, logger: silentLogger, keepMs: 1_000 }, never);

it('AC-07 what was deleted long ago leaves the stream and the memory, what was deleted lately stays', async () => {
  const state = { kind: 'deleted', id: TRIGGER, tenant: TENANT, at: 5 };
  const trigger = { tenant: TENANT, kind: 'trigger', id: TRIGGER } as const;
  await streams.publish(encodeRecorded(trigger, { event: { type: 'deleted', at: 5 }, state }, 0, names));
  await deleted(1, clock.now() - 1_000);
  await deleted(2, clock.now() - 999);
  const { directory } = await replica();
  await sweep(directory);
  expect([await stored(1), await stored(2)]).toEqual([false, true]);
  expect([...directory.all()].map(([each]) => each)).toEqual([id(2)]);
  expect(directory.records('trigger').of(TENANT)).toEqual([]);
  expect(await streams.lastOn(names.streams.webhooks, names.subjects.aggregate(TENANT, 'trigger', TRIGGER))).toBeNull();
});

it('AC-07 the last message of the stream stays, so that whoever starts next can catch up', async () => {
  await deleted(1, 0);
  await deleted(2, 0);
  const { directory } = await replica();
  await sweep(directory);
  expect([await stored(1), await stored(2)]).toEqual([false, true]);
  const { directory: next } = await replica();
  expect([...next.all()].map(([each]) => each)).toEqual([id(2)]);
});

it('AC-07 a replica that lags takes nothing away that was made under the id since', async () => {
  const revision = await deleted(1, 0);
  await deleted(2, clock.now());
  const { directory: lagging, leave } = await replica();
  await leave();
  const { directory } = await replica();
  const again = await deleted(1, clock.now(), revision);
  await sweep(lagging);
  expect((await streams.lastOn(names.streams.webhooks, subject(1)))?.sequence).toBe(again);
  await directory.caughtUp();
  expect(directory.find(id(1)).revision).toBe(again);
});
