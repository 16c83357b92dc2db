import { type Column, namesOf, unnest } from '@grapnel/db/unnest';
import { type Kysely, sql } from 'kysely';
import type { AttemptMade } from '../project/delivery-state.ts';
import type { AttemptsTable, Tables } from './tables.ts';

const COLUMNS: readonly (Column<AttemptMade> & { readonly name: keyof AttemptsTable })[] = [
  { name: 'delivery_created_at', type: 'bigint', of: ({ delivery }) => delivery.createdAt },
  { name: 'delivery_id', type: 'text', of: ({ delivery }) => delivery.id },
  { name: 'round', type: 'bigint', of: ({ round }) => round },
  { name: 'number', type: 'integer', of: ({ number }) => number },
  { name: 'outcome_sequence', type: 'bigint', of: ({ outcomeSequence }) => outcomeSequence },
  { name: 'succeeded', type: 'boolean', of: ({ succeeded }) => succeeded },
  { name: 'started_at', type: 'bigint', of: ({ attempt }) => attempt.startedAt },
  { name: 'duration_ms', type: 'integer', of: ({ attempt }) => attempt.durationMs },
  { name: 'request_url', type: 'text', of: ({ attempt }) => attempt.request.url },
  { name: 'request_method', type: 'text', of: ({ attempt }) => attempt.request.method },
  { name: 'request_headers', type: 'json', of: ({ attempt }) => JSON.stringify(attempt.request.headers) },
  { name: 'response_status', type: 'integer', of: ({ attempt }) => attempt.response?.status ?? null },
  {
    name: 'response_headers',
    type: 'json',
    of: ({ attempt }) => (attempt.response === null ? null : JSON.stringify(attempt.response.headers)),
  },
  { name: 'response_body', type: 'text', of: ({ attempt }) => attempt.response?.body ?? null },
  { name: 'error_code', type: 'text', of: ({ attempt }) => attempt.error?.code ?? null },
  { name: 'error_message', type: 'text', of: ({ attempt }) => attempt.error?.message ?? null },
  { name: 'remote_address', type: 'text', of: ({ attempt }) => attempt.remoteAddress },
  { name: 'next_attempt_at', type: 'bigint', of: ({ nextAttemptAt }) => nextAttemptAt },
];

/** Inserts the attempts that are not there yet, and returns just those: they alone may be counted. */
export async function writeAttempts(
  db: Kysely<Tables>,
  attempts: readonly AttemptMade[],
): Promise<readonly AttemptMade[]> {
  if (attempts.length === 0) return [];
  const { rows } = await sql<Pick<AttemptsTable, 'outcome_sequence'>>`
    INSERT INTO history.attempts (${namesOf(COLUMNS)})
    SELECT * FROM ${unnest(COLUMNS, attempts)}
    ON CONFLICT DO NOTHING
    RETURNING outcome_sequence`.execute(db);
  if (rows.length === attempts.length) return attempts;
  const inserted = new Set(rows.map((row) => row.outcome_sequence));
  return attempts.filter(({ outcomeSequence }) => inserted.has(outcomeSequence));
}
