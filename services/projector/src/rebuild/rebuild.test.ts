import { Code } from '@grapnel/rpc/errors';
import { systemClock } from '@grapnel/runtime/clock';
import { eventually } from '@grapnel/testkit/eventually';
import { type FreshDatabase, freshDatabase } from '@grapnel/testkit/infra';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, dayName, dayOf } from '../project/days.ts';
import { delivered, delivery, story, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, dump, run, startProjector, type TestProjector } from '../testing/projector.ts';

let line: Line;
let database: FreshDatabase;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  line = stack.use(await Line.start());
  database = stack.use(await freshDatabase());
});
afterEach(() => stack.disposeAsync());

const start = async (options = {}): Promise<TestProjector> =>
  stack.use(await startProjector(line, database.url, options));

/** Somebody who reads the checkpoints and takes their time. */
async function lockedOut(url: string) {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE history.checkpoints IN SHARE MODE');
  return {
    othersWait: async () =>
      (await client.query(`SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`)).rows.length > 0,
    release: () => client.query('COMMIT'),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** 200 deliveries of four webhooks over three days, one of the webhooks deleted since. */
async function history(): Promise<void> {
  const stories = Array.from({ length: 200 }, (_, n) =>
    story(n, { webhookId: webhook(n % 4), createdAt: Date.now() - (n % 3) * DAY_MS - n, test: n % 13 === 0 }),
  );
  await line.deliveries(stories.map((s) => s.delivery));
  await line.outcomes(stories.flatMap((s) => s.outcomes));
}

describe('a rebuild', () => {
  it('makes every row anew as it was, statistics included, and without what is deleted', async () => {
    const projector = await start();
    await history();
    await projector.settled();
    await line.deleteWebhook('acme', webhook(3));
    await projector.settled();
    const before = await dump(database.url);
    expect(before['deliveries']).toHaveLength(150);
    expect(before['hourly_statistics']?.length).toBeGreaterThan(3);
    await run(database.url, `UPDATE history.deliveries SET status = 'broken'`);
    await run(database.url, 'UPDATE history.webhook_statistics SET delivered = 1000');

    const progress = await all(projector.projection.rebuild({}));
    expect(progress.at(-1)).toMatchObject({ finished: true });
    expect(progress.at(-1)?.done).toBe(progress.at(-1)?.total);
    expect(await dump(database.url)).toEqual(before);

    await line.outcomes([delivered(delivery(500))]);
    await projector.settled();
    expect((await dump(database.url))['deliveries']).toHaveLength(151);
  });

  it('AC-07 does not bring a deleted webhook back, even if the streams still hold its messages', async () => {
    const projector = await start();
    await history();
    await line.deleteWebhook('acme', webhook(3), { purge: false });
    await projector.settled();
    const before = await dump(database.url);
    await all(projector.projection.rebuild({}));
    expect(await dump(database.url)).toEqual(before);
    expect(before['deliveries']?.join()).not.toContain(webhook(3));
  });

  it('happens by itself when the tables are gone, while the projector runs', async () => {
    const projector = await start();
    await history();
    await projector.settled();
    const before = await dump(database.url);
    await run(database.url, 'DROP SCHEMA history CASCADE');
    await line.outcomes([delivered(delivery(500))]);
    await eventually(async () => expect((await dump(database.url))['deliveries']).toHaveLength(201));
    const after = await dump(database.url);
    expect(after['attempts']).toEqual(expect.arrayContaining(before['attempts'] ?? []));
  });

  it('happens by itself when the projector starts on another, empty database', async () => {
    const first = await startProjector(line, database.url);
    await history();
    await first.settled();
    await first[Symbol.asyncDispose]();
    const before = await dump(database.url);
    await using empty = await freshDatabase();
    const second = await startProjector(line, empty.url);
    await second.settled();
    expect(await dump(empty.url)).toEqual(before);
    await second[Symbol.asyncDispose]();
  });

  it('goes on from an older backup, and from the beginning when the stream is another one', async () => {
    const projector = await start();
    await history();
    await projector.settled();
    const before = await dump(database.url);
    await run(database.url, 'UPDATE history.checkpoints SET sequence = 7');
    await line.outcomes([delivered(delivery(500))]);
    await projector.settled();
    await run(database.url, `UPDATE history.checkpoints SET stream_created = 'another'`);
    await line.outcomes([delivered(delivery(501))]);
    await projector.settled();
    const after = await dump(database.url);
    expect(after['deliveries']).toHaveLength(202);
    expect(after['attempts']).toEqual(expect.arrayContaining(before['attempts'] ?? []));
    const { statistics } = await projector.query.getWebhookStatistics({ webhookIds: [webhook(0)] }, as('acme'));
    const counted = await run(
      database.url,
      `SELECT count(*)::int AS n FROM history.attempts JOIN history.deliveries ON delivery_id = id
       WHERE webhook_id = '${webhook(0)}' AND NOT test AND succeeded`,
    );
    expect(Number(statistics[0]?.successfulDeliveries)).toBe(counted[0]?.['n']);
  });

  it('is refused while another one is under way', async () => {
    const [one, other] = [await start(), await start()];
    await history();
    await one.settled();
    // Holds up the projection, so that the first rebuild lasts.
    await using blocked = await lockedOut(database.url);
    const first = one.projection.rebuild({})[Symbol.asyncIterator]();
    const begun = first.next();
    await eventually(() => blocked.othersWait());
    await expect(all(other.projection.rebuild({}))).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
    });
    await blocked.release();
    await begun;
    while ((await first.next()).done !== true);
    expect((await all(other.projection.rebuild({}))).at(-1)?.finished).toBe(true);
  });

  it('is not for tenants', async () => {
    const projector = await start();
    const { openChannel } = await import('@grapnel/rpc/client');
    const { ProjectionService } = await import('@grapnel/contracts/gen/grapnel/query/v1/query_pb');
    using channel = openChannel({ address: projector.address, token: 'some-other-token' });
    await expect(channel.client(ProjectionService).getProjectionStatus({})).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
    });
  });
});

describe('retention', () => {
  const today = dayOf(Date.now());
  const env = { GRAPNEL_HISTORY_DAYS: '3' };

  it('drops days that are too old, keeps the totals, and a rebuild does not bring them back', async () => {
    const old = Array.from({ length: 8 }, (_, n) => story(n, { createdAt: today - 2 * DAY_MS + n }));
    const recent = Array.from({ length: 8 }, (_, n) => story(n + 8, { createdAt: today - DAY_MS + n }));
    const ancient = story(17, { createdAt: today - 3 * DAY_MS + 5 });
    const everything = [...old, ...recent, ancient];
    const first = await startProjector(line, database.url, { env });
    await line.deliveries(everything.map((s) => s.delivery));
    await line.outcomes(everything.flatMap((s) => s.outcomes));
    await first.settled();
    const before = await dump(database.url);
    expect(before['deliveries']).toHaveLength(16);
    const totals = async (projector: TestProjector) =>
      (await projector.query.getWebhookStatistics({ webhookIds: [webhook(1)] }, as('acme'))).statistics;
    const counted = await totals(first);
    await first[Symbol.asyncDispose]();

    const tomorrow = { ...systemClock, now: () => Date.now() + DAY_MS };
    const second = await start({ env, clock: tomorrow });
    await eventually(async () => expect((await dump(database.url))['deliveries']).toHaveLength(8));
    const after = await dump(database.url);
    expect(after['attempts']?.length).toBeLessThan(before['attempts']?.length ?? 0);
    expect(await totals(second)).toEqual(counted);

    await second.settled();
    await all(second.projection.rebuild({}));
    expect(await dump(database.url)).toEqual(after);
    expect(await totals(second)).toEqual(counted);
    const oldest = await run(
      database.url,
      `SELECT min(relname::text) FROM pg_class WHERE relname ~ '^attempts_2[0-9]{7}$'`,
    );
    expect(oldest[0]?.['min']).toBe(`attempts_${dayName(today - DAY_MS)}`);
  });

  it('makes partitions for the coming days', async () => {
    const projector = await start({ env });
    await projector.settled();
    const partitions = () => run(database.url, `SELECT relname FROM pg_class WHERE relname ~ '^attempts_2[0-9]{7}$'`);
    // An empty line is settled from the start; the days are made when the writer has its connection.
    await eventually(async () => expect(await partitions()).toHaveLength(3));
  });
});
