import { type Column, namesOf, unnest } from '@grapnel/db/unnest';
import { type Kysely, sql } from 'kysely';
import type { HourTotals, WebhookTotals } from '../project/statistics.ts';
import type { Tables } from './tables.ts';

/** A row of `history.webhook_statistics`. */
export const WEBHOOK_TOTALS: readonly Column<WebhookTotals>[] = [
  { name: 'tenant', type: 'text', of: (row) => row.tenant },
  { name: 'webhook_id', type: 'text', of: (row) => row.webhookId },
  { name: 'day', type: 'bigint', of: (row) => row.day },
  { name: 'delivered', type: 'bigint', of: (row) => row.delivered },
  { name: 'failed', type: 'bigint', of: (row) => row.failed },
  { name: 'last_success_at', type: 'bigint', of: (row) => row.lastSuccessAt },
  { name: 'last_failure_at', type: 'bigint', of: (row) => row.lastFailureAt },
];

const HOUR_SUMS: readonly Column<HourTotals>[] = [
  { name: 'delivered', type: 'bigint', of: (row) => row.delivered },
  { name: 'failed', type: 'bigint', of: (row) => row.failed },
  { name: 'attempts', type: 'bigint', of: (row) => row.attempts },
  { name: 'failed_attempts', type: 'bigint', of: (row) => row.failedAttempts },
  { name: 'response_ms_sum', type: 'bigint', of: (row) => row.responseMsSum },
  { name: 'responses', type: 'bigint', of: (row) => row.responses },
];

const HOUR: readonly Column<HourTotals>[] = [
  { name: 'tenant', type: 'text', of: (row) => row.tenant },
  { name: 'webhook_id', type: 'text', of: (row) => row.webhookId },
  { name: 'hour', type: 'bigint', of: (row) => row.hour },
  { name: 'day', type: 'bigint', of: (row) => row.day },
  ...HOUR_SUMS,
];

/** What a conflict does to the totals of a webhook: sums and latest times, so that order does not matter. */
export const ADD_WEBHOOK_TOTALS = sql`
  delivered = known.delivered + excluded.delivered,
  failed = known.failed + excluded.failed,
  last_success_at = greatest(known.last_success_at, excluded.last_success_at),
  last_failure_at = greatest(known.last_failure_at, excluded.last_failure_at)`;

export async function addWebhookTotals(db: Kysely<Tables>, rows: readonly WebhookTotals[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO history.webhook_statistics AS known (${namesOf(WEBHOOK_TOTALS)})
    SELECT * FROM ${unnest(WEBHOOK_TOTALS, rows)}
    ON CONFLICT (tenant, webhook_id, day) DO UPDATE SET ${ADD_WEBHOOK_TOTALS}`.execute(db);
}

export async function addHourTotals(db: Kysely<Tables>, rows: readonly HourTotals[]): Promise<void> {
  if (rows.length === 0) return;
  const sums = HOUR_SUMS.map(({ name }) => sql`${sql.id(name)} = known.${sql.id(name)} + excluded.${sql.id(name)}`);
  await sql`
    INSERT INTO history.hourly_statistics AS known (${namesOf(HOUR)})
    SELECT * FROM ${unnest(HOUR, rows)}
    ON CONFLICT (tenant, webhook_id, hour, day) DO UPDATE SET ${sql.join(sums)}`.execute(db);
}
