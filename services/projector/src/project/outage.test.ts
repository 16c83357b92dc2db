import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '@grapnel/embedded/postgres';
import { Code } from '@grapnel/rpc/errors';
import { eventually } from '@grapnel/testkit/eventually';
import { type FreshDatabase, freshDatabase, natsUrl } from '@grapnel/testkit/infra';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { delivered, delivery, story, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, dump, run, SERVICE_TOKEN, startProjector } from '../testing/projector.ts';

let line: Line;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  line = stack.use(await Line.start());
});
afterEach(() => stack.disposeAsync());

const stories = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => story(from + i, { webhookId: webhook(i % 3) }));

async function play(from: number, count: number): Promise<void> {
  const some = stories(from, count);
  await line.deliveries(some.map((s) => s.delivery));
  await line.outcomes(some.flatMap((s) => s.outcomes));
}

/** The history as a projector makes it that nothing happens to. */
async function undisturbed(): Promise<Record<string, string[]>> {
  await using database: FreshDatabase = await freshDatabase();
  await using projector = await startProjector(line, database.url);
  await projector.settled();
  return await dump(database.url);
}

describe('when things fail', () => {
  it('a projector that is killed in the middle of a flood counts nothing twice and misses nothing', async () => {
    const database = stack.use(await freshDatabase());
    let { child, ops } = await startProcess(database.url);
    stack.defer(() => void child.kill('SIGKILL'));
    for (let round = 0; round < 4; round++) {
      const playing = play(round * 400, 400);
      // Tables may not be there yet; then something is under way.
      await eventually(async () => ((await dump(database.url))['attempts'] ?? []).length > round * 500);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await playing;
      ({ child, ops } = await startProcess(database.url));
    }
    await eventually(async () => expect((await dump(database.url))['deliveries']).toHaveLength(1_600));
    const expected = await undisturbed();
    await eventually(async () => expect(await dump(database.url)).toEqual(expected));
    const metrics = await (await fetch(`${ops}/metrics`)).text();
    expect(metrics).toMatch(/^grapnel_projection_active\{.*\} 1$/m);
    expect(metrics).toMatch(/^grapnel_projection_messages_total\{.*stream="T\w+OUTCOMES".*\} \d+$/m);
    expect(metrics).toMatch(/^grapnel_projection_batch_duration_bucket/m);
  }, 60_000);

  it('a lost connection costs the lock and the batch, and no message', async () => {
    const database = stack.use(await freshDatabase());
    const projector = stack.use(await startProjector(line, database.url));
    await projector.settled();
    for (let round = 0; round < 5; round++) {
      const playing = play(round * 300, 300);
      await run(
        database.url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      await playing;
    }
    await eventually(() => projector.settled());
    expect(await dump(database.url)).toEqual(await undisturbed());
  });

  it('Postgres away: deliveries go on, queries say so, the tail goes on, and the history catches up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'grapnel-projector-'));
    await chmod(folder, 0o711);
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const launch = (port = 0): Promise<PostgresServer> =>
      startPostgres({ dataDir: join(folder, 'data'), port, settings: { fsync: 'off' }, onProgress: () => {} });
    let postgres = await launch();
    stack.defer(() => postgres.stop());
    const projector = stack.use(await startProjector(line, postgres.url));
    await play(0, 100);
    await projector.settled();
    const ready = async (): Promise<string> => (await fetch(`${projector.ops}/readyz`)).text();
    await eventually(async () => expect(await ready()).not.toContain('postgres'));

    await postgres.kill();
    await play(100, 100);
    const list = projector.query.listDeliveries({}, as('acme'));
    await expect(list).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: { retryAfterMs: 1_000 } });
    await eventually(async () => expect(await ready()).toContain('postgres: out of reach'));
    const over = new AbortController();
    const tail = projector.query.tailDeliveries({ afterCursor: 1n }, { ...as('acme'), signal: over.signal });
    expect((await tail[Symbol.asyncIterator]().next()).value?.cursor).toBe(2n);
    over.abort();

    postgres = await launch(postgres.port);
    await eventually(() => projector.settled(), { timeoutMs: 15_000 });
    expect(await dump(postgres.url)).toEqual(await undisturbed());
    await eventually(async () => expect(await ready()).not.toContain('postgres'));
  }, 60_000);

  it('starts while Postgres is away, and begins when it is there', async () => {
    const database = await freshDatabase();
    await database.dispose();
    const projector = stack.use(await startProjector(line, database.url));
    await line.outcomes([delivered(delivery(1))]);
    await expect(projector.query.listDeliveries({}, as('acme'))).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await run(database.url.replace(/[^/]*$/, 'postgres'), `CREATE DATABASE ${database.name}`);
    stack.defer(() => database.dispose());
    await eventually(() => projector.settled());
    expect((await projector.query.listDeliveries({}, as('acme'))).deliveries).toHaveLength(1);
  });
});

async function startProcess(databaseUrl: string): Promise<{ child: ChildProcess; ops: string }> {
  const { streams, subjects } = line.names;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      GRAPNEL_MODE: 'development',
      GRAPNEL_OPS_PORT: '0',
      QUERY_GRPC_PORT: '0',
      SUBSCRIPTION_GRPC: '127.0.0.1:1',
      GRAPNEL_SERVICE_TOKEN: SERVICE_TOKEN,
      DATABASE_URL: databaseUrl,
      NATS_URL: natsUrl(),
      GRAPNEL_STREAM_PREFIX: streams.events.replace('EVENTS', ''),
      GRAPNEL_SUBJECT_PREFIX: subjects.allEvents.replace('events.>', ''),
      GRAPNEL_PARTITIONS: String(line.names.partitions),
      LOG_LEVEL: 'silent',
    },
  });
  const [message] = (await once(child, 'message')) as [{ ready: { ops: string } }];
  return { child, ops: message.ready.ops };
}
