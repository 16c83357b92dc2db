import { type Kysely, sql } from 'kysely';
import { DAY_MS, dayName } from '../project/days.ts';
import { ARCHIVED, type Tables } from './tables.ts';
import { ADD_WEBHOOK_TOTALS } from './write-statistics.ts';

const PARTITIONED = ['deliveries', 'attempts'] as const;

/** The days that have partitions. */
export async function partitionDays(db: Kysely<Tables>): Promise<Set<number>> {
  const { rows } = await sql<{ name: string }>`
    SELECT child.relname AS name FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = 'history.deliveries'::regclass`.execute(db);
  return new Set(rows.map(({ name }) => dayFromName(name)));
}

/** The days before a moment that have counts: of what is restored, also days without partitions. */
export async function countedDaysBefore(db: Kysely<Tables>, before: number): Promise<readonly number[]> {
  const { rows } = await sql<{ day: number }>`
    SELECT DISTINCT day FROM history.webhook_statistics WHERE day < ${before} AND day <> ${ARCHIVED}`.execute(db);
  return rows.map(({ day }) => day);
}

export async function createPartitions(db: Kysely<Tables>, day: number): Promise<void> {
  for (const table of PARTITIONED) {
    await sql`
      CREATE TABLE IF NOT EXISTS ${partition(table, day)} PARTITION OF ${sql.id('history', table)}
      FOR VALUES FROM (${sql.lit(day)}) TO (${sql.lit(day + DAY_MS)})`.execute(db);
  }
}

/** Drops a day's rows. What they add to the webhooks' totals stays, as archived. */
export async function dropDay(db: Kysely<Tables>, day: number): Promise<void> {
  await sql`
    WITH dropped AS (
      DELETE FROM history.webhook_statistics WHERE day = ${day}
      RETURNING tenant, webhook_id, delivered, failed, last_success_at, last_failure_at
    )
    INSERT INTO history.webhook_statistics AS known
      (tenant, webhook_id, day, delivered, failed, last_success_at, last_failure_at)
    SELECT tenant, webhook_id, ${ARCHIVED}::bigint, delivered, failed, last_success_at, last_failure_at FROM dropped
    ON CONFLICT (tenant, webhook_id, day) DO UPDATE SET ${ADD_WEBHOOK_TOTALS}`.execute(db);
  await sql`DELETE FROM history.hourly_statistics WHERE day = ${day}`.execute(db);
  await dropPartitions(db, day);
}

export async function dropPartitions(db: Kysely<Tables>, day: number): Promise<void> {
  for (const table of PARTITIONED) await sql`DROP TABLE IF EXISTS ${partition(table, day)}`.execute(db);
}

/** The first moment that is kept: never moves back. */
export async function horizon(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ kept_from: number }>`SELECT kept_from FROM history.horizon`.execute(db);
  return rows[0]?.kept_from ?? 0;
}

export async function moveHorizon(db: Kysely<Tables>, keptFrom: number): Promise<void> {
  await sql`UPDATE history.horizon SET kept_from = greatest(kept_from, ${keptFrom}::bigint)`.execute(db);
}

const partition = (table: string, day: number) => sql.id('history', `${table}_${dayName(day)}`);

function dayFromName(name: string): number {
  const [, year, month, day] = /_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day));
}
