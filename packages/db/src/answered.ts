import { systemClock } from '@grapnel/runtime/clock';
import type { ClientBase, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/** Beyond the server's own limit for a statement: only a server that has stopped talking gets this far. */
const SILENCE_MS = 5_000;

/** Postgres says nothing: the connection is of no use, and nobody knows what became of the statement. */
export class Silence extends Error {
  constructor() {
    super('query read timeout');
    this.name = 'Silence';
  }
}

/**
 * Runs a statement on a connection. With a callback, because pg's own promises, and its `query_timeout`, put a function that
 * refers to the query into one of its fields: V8 makes such functions old from the start, so that every row lived until the next
 * full collection, and scavenges took ten times as long.
 * @throws what Postgres says, {@link Silence}
 */
export function answered<Row extends QueryResultRow>(
  client: ClientBase,
  statement: QueryConfig,
  statementTimeoutMs: number,
): Promise<QueryResult<Row>> {
  return new Promise((resolve, reject) => {
    const patience = systemClock.after(statementTimeoutMs + SILENCE_MS, () => reject(new Silence()));
    client.query<Row>(statement, (error: Error | null, result) => {
      patience.cancel();
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
  });
}
