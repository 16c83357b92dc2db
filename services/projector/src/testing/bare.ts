import { systemClock } from '@grapnel/runtime/clock';
import { connected } from './connected.ts';

const BATCH = 1_000;

/**
 * What Postgres can do without us: rows per second of `history.deliveries`, inserted again into a table of the same columns
 * with a key and nothing else, a thousand with each statement. Drops the table.
 */
export const bareUpsertRate = (url: string): Promise<number> =>
  connected(url, async (client) => {
    try {
      await client.query('SET synchronous_commit = off; SET statement_timeout = 0');
      await client.query('CREATE TABLE bare (LIKE history.deliveries, PRIMARY KEY (id, created_at))');
      const columns = await client.query<{ name: string; type: string }>(`
      SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'bare'::regclass AND attnum > 0 ORDER BY attnum`);
      const { rows } = await client.query<unknown[]>({ text: 'SELECT * FROM history.deliveries', rowMode: 'array' });
      const statement = `INSERT INTO bare SELECT * FROM unnest(${columns.rows.map(({ type }, i) => `$${i + 1}::${type}[]`).join()})
      ON CONFLICT (id, created_at) DO UPDATE SET status = excluded.status`;
      const batches = Array.from({ length: Math.ceil(rows.length / BATCH) }, (_, n) => {
        const batch = rows.slice(n * BATCH, (n + 1) * BATCH);
        return columns.rows.map((_column, i) => batch.map((row) => row[i]));
      });
      const began = systemClock.monotonic();
      for (const values of batches) await client.query({ name: 'bare', text: statement, values });
      return (rows.length * 1_000) / (systemClock.monotonic() - began);
    } finally {
      await client.query('DROP TABLE IF EXISTS bare').catch(() => {});
    }
  });

/** How long one row takes to come by its key, again and again on one connection: milliseconds, in no order. */
export const roundTrips = (url: string, times: number): Promise<number[]> =>
  connected(url, async (client) => {
    const { rows } = await client.query<{ id: string; created_at: string }>(
      'SELECT id, created_at FROM history.deliveries LIMIT 1000',
    );
    const text = 'SELECT * FROM history.deliveries WHERE id = $1 AND created_at = $2';
    const latencies: number[] = [];
    for (let n = 0; n < times; n++) {
      const { id, created_at: createdAt } = rows[n % rows.length] ?? { id: '', created_at: '0' };
      const began = systemClock.monotonic();
      await client.query({ name: 'by key', text, values: [id, createdAt] });
      latencies.push(systemClock.monotonic() - began);
    }
    return latencies;
  });
