import { type Column, namesOf, unnest } from '@grapnel/db/unnest';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { type DeliveryState, placeOf } from '../project/delivery-state.ts';
import type { DeliveriesTable, Tables } from './tables.ts';

type Name = keyof DeliveriesTable;
type DeliveryColumn = Column<DeliveryState> & { readonly name: Name };

const FROZEN: readonly DeliveryColumn[] = [
  { name: 'id', type: 'text', of: ({ delivery }) => delivery.id },
  { name: 'created_at', type: 'bigint', of: ({ delivery }) => delivery.createdAt },
  { name: 'tenant', type: 'text', of: ({ delivery }) => delivery.tenant },
  { name: 'webhook_id', type: 'text', of: ({ delivery }) => delivery.webhookId },
  { name: 'event_id', type: 'text', of: ({ delivery }) => delivery.eventId },
  { name: 'event_type', type: 'text', of: ({ delivery }) => delivery.eventType },
  { name: 'job_id', type: 'text', of: ({ delivery }) => delivery.jobId },
  { name: 'task_id', type: 'text', of: ({ delivery }) => delivery.taskId },
  { name: 'event_time', type: 'bigint', of: ({ delivery }) => delivery.eventTime },
  { name: 'test', type: 'boolean', of: ({ delivery }) => delivery.test },
  { name: 'body_bytes', type: 'integer', of: ({ delivery }) => delivery.bodyBytes },
  { name: 'webhook_revision', type: 'bigint', of: ({ delivery }) => delivery.webhookRevision },
  { name: 'sequence', type: 'bigint', of: ({ delivery }) => delivery.sequence },
];

const STANDING: readonly DeliveryColumn[] = [
  { name: 'round', type: 'bigint', of: ({ standing }) => standing.version[0] },
  { name: 'attempt', type: 'integer', of: ({ standing }) => standing.version[1] },
  { name: 'rank', type: 'smallint', of: ({ standing }) => standing.version[2] },
  { name: 'status', type: 'text', of: ({ standing }) => standing.status },
  { name: 'attempt_number', type: 'integer', of: ({ standing }) => standing.attemptNumber },
  { name: 'next_attempt_at', type: 'bigint', of: ({ standing }) => standing.nextAttemptAt },
  { name: 'delivered_at', type: 'bigint', of: ({ standing }) => standing.deliveredAt },
  { name: 'skip_reason', type: 'text', of: ({ standing }) => standing.skipReason },
];

const LAST_ATTEMPT: readonly DeliveryColumn[] = [
  { name: 'last_attempt_round', type: 'bigint', of: ({ lastAttempt }) => placeOf(lastAttempt)[0] },
  { name: 'last_attempt_number', type: 'integer', of: ({ lastAttempt }) => placeOf(lastAttempt)[1] },
  { name: 'request_url', type: 'text', of: ({ lastAttempt }) => lastAttempt?.attempt.request.url ?? null },
  { name: 'request_method', type: 'text', of: ({ lastAttempt }) => lastAttempt?.attempt.request.method ?? null },
  { name: 'response_status', type: 'integer', of: ({ lastAttempt }) => lastAttempt?.attempt.response?.status ?? null },
  {
    name: 'response_duration_ms',
    type: 'integer',
    of: ({ lastAttempt }) => (lastAttempt?.attempt.response ? lastAttempt.attempt.durationMs : null),
  },
  { name: 'error_code', type: 'text', of: ({ lastAttempt }) => lastAttempt?.attempt.error?.code ?? null },
  { name: 'error_message', type: 'text', of: ({ lastAttempt }) => lastAttempt?.attempt.error?.message ?? null },
];

const COLUMNS = [...FROZEN, ...STANDING, ...LAST_ATTEMPT];

const NEWER_STANDING = sql`(excluded.round, excluded.attempt, excluded.rank) > (known.round, known.attempt, known.rank)`;
const NEWER_ATTEMPT = sql`(excluded.last_attempt_round, excluded.last_attempt_number)
  > (known.last_attempt_round, known.last_attempt_number)`;

/** Inserts deliveries, or brings what is known of them forward, never back. Returns how many rows changed. */
export async function writeDeliveries(db: Kysely<Tables>, states: readonly DeliveryState[]): Promise<number> {
  if (states.length === 0) return 0;
  const { numAffectedRows } = await sql`
    INSERT INTO history.deliveries AS known (${namesOf(COLUMNS)})
    SELECT * FROM ${unnest(COLUMNS, states)}
    ON CONFLICT (id, created_at) DO UPDATE
      SET ${sql.join([...taken(STANDING, NEWER_STANDING), ...taken(LAST_ATTEMPT, NEWER_ATTEMPT)])}
      WHERE ${NEWER_STANDING} OR ${NEWER_ATTEMPT}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** `column = CASE WHEN newer THEN excluded.column ELSE known.column END` */
function taken(columns: readonly DeliveryColumn[], newer: RawBuilder<unknown>): RawBuilder<unknown>[] {
  return columns.map(({ name }) => {
    const column = sql.id(name);
    return sql`${column} = CASE WHEN ${newer} THEN excluded.${column} ELSE known.${column} END`;
  });
}
