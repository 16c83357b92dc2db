import { systemClock } from '@grapnel/runtime/clock';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, type ClientBase, Pool } from 'pg';
import { answered, Silence } from './answered.ts';
import { type ConnectionOptions, connectionConfig } from './connection.ts';
import type { Statement } from './statement.ts';

export interface DatabaseOptions extends ConnectionOptions {
  readonly maxConnections: number;
}

/** A database that is used through a pool; connections are made when they are first needed, not here. */
export interface Database<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  /** Runs a statement that is planned once for each connection, whatever the values are. */
  ask<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** Planning over many partitions costs more than reading a page from them, so a connection lives long with its plans. */
const IDLE_MS = 600_000;
const LIFETIME_SECONDS = 7_200;

/**
 * Otherwise Postgres would plan anew for the values, because it sees that fewer partitions are read then; so does the
 * execution of a plan for any values, which leaves out partitions when it begins.
 */
async function planForAnyValues(client: ClientBase, statementTimeoutMs: number): Promise<void> {
  await answered(client, { text: 'SET plan_cache_mode = force_generic_plan' }, statementTimeoutMs);
}

export function openDatabase<Tables>(options: DatabaseOptions): Database<Tables> {
  const { statementTimeoutMs } = options;
  const pool = new Pool({
    ...connectionConfig(options),
    max: options.maxConnections,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: (client) => planForAnyValues(client, statementTimeoutMs),
  });
  // A lost connection fails the query it carries, or is replaced when it is next needed. Without these listeners it
  // would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const connect = async (): Promise<PostgresPoolClient> => {
    const client = await pool.connect();
    return borrowed(client, statementTimeoutMs, (discard) => client.release(discard));
  };
  return {
    db: kysely<Tables>(connect, () => pool.end()),
    async ask<Row>({ name, text }: Statement, values: readonly unknown[]) {
      const client = await pool.connect();
      try {
        const { rows } = await answered(client, { name, text, values: [...values] }, statementTimeoutMs);
        client.release();
        return rows as Row[];
      } catch (error) {
        // What it is good for is not known: the next one is new.
        client.release(true);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** One connection of its own: what it locks, and what it has set, lasts until it ends. */
export interface Session<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
}

/** @throws when the database cannot be reached */
export async function openSession<Tables>(options: ConnectionOptions): Promise<Session<Tables>> {
  const client = new Client(connectionConfig(options));
  client.on('error', () => {});
  await client.connect();
  const only = borrowed(client, options.statementTimeoutMs, () => {});
  return {
    db: kysely<Tables>(
      async () => only,
      () => end(client),
    ),
    [Symbol.asyncDispose]: () => end(client),
  };
}

function kysely<Tables>(connect: () => Promise<PostgresPoolClient>, close: () => Promise<void>): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: { connect, end: close, options: {} } }) });
}

/** A connection as Kysely uses it. */
function borrowed(
  client: ClientBase,
  statementTimeoutMs: number,
  release: PostgresPoolClient['release'],
): PostgresPoolClient {
  let isUseless = false;
  const query = async (text: string, values: unknown[]) => {
    // The end of a transaction would wait behind the statement that is not answered, and as long again.
    if (isUseless) throw new Silence();
    return answered(client, { text, values }, statementTimeoutMs).catch((error: unknown) => {
      isUseless ||= error instanceof Silence;
      throw error;
    });
  };
  // It is asked for rows alone, never for a cursor.
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (discard) => release(discard === true || isUseless),
  };
}

const GOODBYE_MS = 2_000;

/** Says goodbye where somebody listens; a connection that does not answer is cut, and its locks go with it. */
async function end(client: Client): Promise<void> {
  const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const closed = client.end().catch(() => {});
  const patience = systemClock.after(GOODBYE_MS, () => stream.destroy());
  await closed;
  patience.cancel();
}
