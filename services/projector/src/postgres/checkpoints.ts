import { type Kysely, sql } from 'kysely';
import { type Checkpoint, CheckpointMoved } from '../ports.ts';
import type { Tables } from './tables.ts';

/**
 * Reads a stream's checkpoint, or starts one. It begins at 0 when the stream is another one than before, or was put
 * back to an earlier state: what is there already then comes again, and changes nothing.
 */
export async function loadCheckpoint(
  db: Kysely<Tables>,
  stream: string,
  created: string,
  last: number,
): Promise<Checkpoint> {
  const { rows } = await sql<{ sequence: number }>`
    INSERT INTO history.checkpoints AS known (stream, stream_created, sequence) VALUES (${stream}, ${created}, 0)
    ON CONFLICT (stream) DO UPDATE SET
      stream_created = excluded.stream_created,
      sequence = CASE
        WHEN known.stream_created = excluded.stream_created AND known.sequence <= ${last} THEN known.sequence
        ELSE 0
      END
    RETURNING sequence`.execute(db);
  return { stream, created, sequence: rows[0]?.sequence ?? 0 };
}

export async function storedCheckpoints(db: Kysely<Tables>): Promise<readonly Checkpoint[]> {
  const { rows } = await sql<Checkpoint>`
    SELECT stream, stream_created AS created, sequence FROM history.checkpoints`.execute(db);
  return rows;
}

/** @throws CheckpointMoved when it is not where it was left */
export async function moveCheckpoint(db: Kysely<Tables>, from: Checkpoint, to: number): Promise<void> {
  const { numAffectedRows } = await sql`
    UPDATE history.checkpoints SET sequence = ${to}
    WHERE stream = ${from.stream} AND stream_created = ${from.created} AND sequence = ${from.sequence}`.execute(db);
  if (numAffectedRows !== 1n) throw new CheckpointMoved(from.stream);
}

/** Whoever changes tables or partitions comes after the transactions that move checkpoints, never in their midst. */
export async function lockOutWriters(db: Kysely<Tables>): Promise<void> {
  await sql`LOCK TABLE history.checkpoints IN ACCESS EXCLUSIVE MODE`.execute(db);
}
