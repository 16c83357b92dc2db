import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { TenantId, TriggerId, WebhookId } from '@grapnel/domain/ids';
import type { WebhookState } from '@grapnel/domain/webhook/webhook';
import { silentLogger } from '@grapnel/runtime/logger';
import { FakeClock } from '@grapnel/testkit/fake-clock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Directory } from './directory.ts';
import { Replicas } from './testing/replicas.ts';
import { forgetDeleted } from './tombstones.ts';

const TENANT: TenantId = 'acme';
const id = (n: number): WebhookId => `wh_0000000000000000000000000${n}`;
const TRIGGER: TriggerId = 'trg_00000000000000000000000001';
const never = new AbortController().signal;

let replicas: Replicas;
const clock = new FakeClock(1_000_000);

beforeEach(async () => {
  replicas = await Replicas.start();
});
afterEach(() => replicas[Symbol.asyncDispose]());

async function deleted(n: number, at: number, after = 0): Promise<number> {
  const state: WebhookState = { kind: 'deleted', id: id(n), tenant: TENANT, at, purged: true };
  const aggregate = { tenant: TENANT, kind: 'webhook', id: id(n) } as const;
  const stored = await replicas.streams.publish(
    encodeRecorded(aggregate, { event: { type: 'purged', at }, state }, after, replicas.names),
  );
  return stored.sequence;
}

const subject = (n: number): string => replicas.names.subjects.aggregate(TENANT, 'webhook', id(n));
const stored = async (n: number): Promise<boolean> =>
  (await replicas.streams.lastOn(replicas.names.streams.webhooks, subject(n))) !== null;
const sweep = (directory: Directory): Promise<void> =>
  forgetDeleted(
    { directory, streams: replicas.streams, names: replicas.names, clock, logger: silentLogger, keepMs: 1_000 },
    never,
  );

it('AC-07 what was deleted long ago leaves the stream and the memory, what was deleted lately stays', async () => {
  const state = { kind: 'deleted', id: TRIGGER, tenant: TENANT, at: 5 };
  const trigger = { tenant: TENANT, kind: 'trigger', id: TRIGGER } as const;
  await replicas.streams.publish(
    encodeRecorded(trigger, { event: { type: 'deleted', at: 5 }, state }, 0, replicas.names),
  );
  await deleted(1, clock.now() - 1_000);
  await deleted(2, clock.now() - 999);
  const { directory } = await replicas.join();
  await sweep(directory);
  expect([await stored(1), await stored(2)]).toEqual([false, true]);
  expect([...directory.all()].map(([each]) => each)).toEqual([id(2)]);
  expect(directory.records('trigger').of(TENANT)).toEqual([]);
  expect(
    await replicas.streams.lastOn(
      replicas.names.streams.webhooks,
      replicas.names.subjects.aggregate(TENANT, 'trigger', TRIGGER),
    ),
  ).toBeNull();
});

it('AC-07 the last message of the stream stays, so that whoever starts next can catch up', async () => {
  await deleted(1, 0);
  await deleted(2, 0);
  const { directory } = await replicas.join();
  await sweep(directory);
  expect([await stored(1), await stored(2)]).toEqual([false, true]);
  const { directory: next } = await replicas.join();
  expect([...next.all()].map(([each]) => each)).toEqual([id(2)]);
});

it('AC-07 a replica that lags takes nothing away that was made under the id since', async () => {
  const revision = await deleted(1, 0);
  await deleted(2, clock.now());
  const { directory: lagging, leave } = await replicas.join();
  await leave();
  const { directory } = await replicas.join();
  const again = await deleted(1, clock.now(), revision);
  await sweep(lagging);
  expect((await replicas.streams.lastOn(replicas.names.streams.webhooks, subject(1)))?.sequence).toBe(again);
  await directory.caughtUp();
  expect(directory.find(id(1)).revision).toBe(again);
});
