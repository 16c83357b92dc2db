import { type Column, unnest } from '@grapnel/db/unnest';
import { type Kysely, sql } from 'kysely';
import type { AttemptMade } from '../project/delivery-state.ts';
import { deliveryKey, type EarlierResults } from '../project/statistics.ts';
import type { Tables } from './tables.ts';

const ENDED: readonly Column<AttemptMade>[] = [
  { name: 'id', type: 'text', of: ({ delivery }) => delivery.id },
  { name: 'created_at', type: 'bigint', of: ({ delivery }) => delivery.createdAt },
];

interface Row {
  readonly id: string;
  readonly createdAt: number;
  readonly round: number;
  readonly number: number;
  readonly succeeded: boolean;
}

/** What the deliveries that these attempts end were counted as before; asked before the attempts are written. */
export async function earlierResults(db: Kysely<Tables>, attempts: readonly AttemptMade[]): Promise<EarlierResults> {
  const ended = attempts.filter(({ result }) => result !== null);
  if (ended.length === 0) return new Map();
  const { rows } = await sql<Row>`
    SELECT DISTINCT ended.id, ended.created_at AS "createdAt", before.round, before.number, before.succeeded
    FROM (SELECT * FROM ${unnest(ENDED, ended)}) AS ended (id, created_at)
    CROSS JOIN LATERAL (
      SELECT round, number, succeeded FROM history.attempts
      WHERE delivery_created_at = ended.created_at AND delivery_id = ended.id AND (succeeded OR next_attempt_at IS NULL)
      ORDER BY round DESC, number DESC LIMIT 1
    ) AS before`.execute(db);
  return new Map(
    rows.map(({ round, number, succeeded, ...delivery }) => [
      deliveryKey(delivery),
      { round, number, result: succeeded ? 'delivered' : 'failed' },
    ]),
  );
}
