import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { eventually } from '@grapnel/testkit/eventually';
import { type FreshDatabase, freshDatabase } from '@grapnel/testkit/infra';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConnectionOptions } from './connection.ts';
import { openDatabase, openSession } from './database.ts';
import { migrate } from './migrate.ts';
import { isMissingTable, isOutage } from './outage.ts';
import { type Column, namesOf, unnest } from './unnest.ts';

let database: FreshDatabase;
let stack: AsyncDisposableStack;
let options: ConnectionOptions;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  database = stack.use(await freshDatabase());
  options = { url: database.url, applicationName: 'test', statementTimeoutMs: 1_000 };
});
afterEach(() => stack.disposeAsync());

const open = (maxConnections = 2) => stack.use(openDatabase<unknown>({ ...options, maxConnections })).db;
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

/** Postgres behind wires on which nothing may arrive any more. */
async function silenceable(url: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const inward = new Set<Socket>();
  const muted = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(Number(port), hostname);
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!muted.has(here)) to.write(chunk);
      });
      from.on('close', () => to.destroy());
      from.on('error', () => {});
    }
    inward.add(here);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.toString(),
    /** Of the connections that there are now. */
    begin: () => {
      for (const socket of inward) muted.add(socket);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const MIGRATIONS: Record<string, Migration> = {
  '2026-01-01T00-first': { up: async (db) => void (await sql`CREATE TABLE here.things (n int)`.execute(db)) },
  '2026-01-02T00-second': { up: async (db) => void (await sql`INSERT INTO here.things VALUES (1)`.execute(db)) },
};

describe('migrations', () => {
  it('run once, in order, in a schema of their own, also from many replicas at once', async () => {
    const runs = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await using session = await openSession<unknown>({ ...options, statementTimeoutMs: 20_000 });
        return await migrate(session.db, 'here', MIGRATIONS);
      }),
    );
    expect(runs.flat()).toEqual(Object.keys(MIGRATIONS));
    expect((await sql`SELECT n FROM here.things`.execute(open())).rows).toEqual([{ n: 1 }]);
  });

  it('run again after somebody dropped the schema', async () => {
    const db = open();
    await migrate(db, 'here', MIGRATIONS);
    await sql`DROP SCHEMA here CASCADE`.execute(db);
    await migrate(db, 'here', MIGRATIONS);
    expect((await sql`SELECT n FROM here.things`.execute(db)).rows).toHaveLength(1);
  });

  it('change nothing when one of them fails, and say why', async () => {
    const wrong = {
      ...MIGRATIONS,
      '2026-01-03T00-wrong': { up: async () => Promise.reject(new Error('not like this')) },
    };
    const db = open();
    await expect(migrate(db, 'here', wrong)).rejects.toThrow('not like this');
    expect(isMissingTable(await failure(sql`SELECT n FROM here.things`.execute(db)))).toBe(true);
  });
});

describe('connections', () => {
  it('read bigint as a number, and refuse one that does not fit', async () => {
    const db = open();
    const { rows } = await sql`SELECT 9007199254740991::bigint AS n, count(*) FROM pg_class WHERE false`.execute(db);
    expect(rows).toEqual([{ n: 9_007_199_254_740_991, count: 0 }]);
    await expect(sql`SELECT 9007199254740993::bigint`.execute(db)).rejects.toThrow('does not fit');
  });

  it('plan a statement once, whatever its values are', async () => {
    const pooled = stack.use(openDatabase<unknown>({ ...options, maxConnections: 1 }));
    const statement = { name: 'twice', text: 'SELECT $1::int * 2 AS n' };
    for (const n of [1, 2, 3]) expect(await pooled.ask(statement, [n])).toEqual([{ n: n * 2 }]);
    const planned = {
      name: 'planned',
      text: 'SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = $1',
    };
    expect(await pooled.ask(planned, ['twice'])).toEqual([{ generic_plans: 3, custom_plans: 0 }]);
  });

  it('a statement that takes too long is an outage, not a hang', async () => {
    expect(isOutage(await failure(sql`SELECT pg_sleep(10)`.execute(open())))).toBe(true);
  });

  it('a server that says nothing more is an outage too, and its connection is not used again', async () => {
    await using silence = await silenceable(database.url);
    const pooled = stack.use(openDatabase<unknown>({ ...options, url: silence.url, maxConnections: 1 }));
    const statement = { name: 'one', text: 'SELECT 1 AS one' };
    expect(await pooled.ask(statement, [])).toEqual([{ one: 1 }]);
    for (const asking of [() => pooled.ask(statement, []), () => sql`SELECT 1`.execute(pooled.db)]) {
      silence.begin();
      expect(isOutage(await failure(asking()))).toBe(true);
      expect(await pooled.ask(statement, [])).toEqual([{ one: 1 }]);
    }
  }, 20_000);

  it('a transaction whose server says nothing more does not wait for its end as long again', async () => {
    await using silence = await silenceable(database.url);
    const session = stack.use(await openSession<unknown>({ ...options, url: silence.url }));
    const transaction = session.db.transaction().execute(async (on) => {
      silence.begin();
      await sql`SELECT 1`.execute(on);
    });
    expect(isOutage(await failure(transaction))).toBe(true);
    // Patience is six seconds for each statement.
  }, 11_000);

  it('survive the loss of their server process, pooled ones by a new connection', async () => {
    const db = open(1);
    const session = stack.use(await openSession<unknown>(options));
    await sql`SELECT 1`.execute(db);
    const other = open(1);
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`.execute(other);
    expect(isOutage(await failure(sql`SELECT 1`.execute(session.db)))).toBe(true);
    // The pool may or may not have noticed yet; a query or two later it has.
    await eventually(async () => expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }]));
  });

  it('a server that cannot be reached, a missing database and a wrong statement are told apart', async () => {
    const nobody = stack.use(openDatabase({ ...options, url: 'postgres://a:b@127.0.0.1:1/c', maxConnections: 1 }));
    expect(isOutage(await failure(sql`SELECT 1`.execute(nobody.db)))).toBe(true);
    const missing = stack.use(openDatabase({ ...options, url: `${database.url}x`, maxConnections: 1 }));
    expect(isOutage(await failure(sql`SELECT 1`.execute(missing.db)))).toBe(true);
    const wrong = await failure(sql`SELEKT`.execute(open()));
    expect([isOutage(wrong), isMissingTable(wrong)]).toEqual([false, false]);
    expect(isOutage('something else')).toBe(false);
  });
});

describe('unnest', () => {
  it('writes many rows of every type in one statement, whatever is in them', async () => {
    interface Row {
      readonly text: string | null;
      readonly n: number;
      readonly yes: boolean;
      readonly json: object;
    }
    const columns: Column<Row>[] = [
      { name: 'text', type: 'text', of: (row) => row.text },
      { name: 'big', type: 'bigint', of: (row) => row.n },
      { name: 'yes', type: 'boolean', of: (row) => row.yes },
      { name: 'json', type: 'json', of: (row) => JSON.stringify(row.json) },
    ];
    const db = open();
    const rows: Row[] = [
      { text: `{"a",NULL,'\\\n`, n: 2 ** 40, yes: true, json: { quote: '"', back: '\\', brace: '{}' } },
      { text: null, n: -1, yes: false, json: {} },
      { text: 'NULL', n: 0, yes: false, json: { 'ü€😀': ['{'] } },
      { text: '', n: 0, yes: true, json: {} },
    ];
    await sql`CREATE TABLE t (text text, big bigint, yes boolean, json json)`.execute(db);
    await sql`INSERT INTO t (${namesOf(columns)}) SELECT * FROM ${unnest(columns, rows)}`.execute(db);
    const { rows: stored } = await sql`SELECT text, big AS n, yes, json FROM t`.execute(db);
    expect(stored).toEqual(rows);
  });
});
