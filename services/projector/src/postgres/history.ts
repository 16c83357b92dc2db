import type { Database } from '@grapnel/db/database';
import type { DeliveryStatus } from '@grapnel/domain/delivery/outcome';
import type { DeliveryId, TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';
import { type RawBuilder, sql } from 'kysely';
import type { AttemptView, DeliveryQuery, DeliveryView, History, HourView, WebhookTotalsView } from '../ports.ts';
import { available } from './available.ts';
import type { AttemptsTable, DeliveriesTable, Tables } from './tables.ts';
import { attemptView, deliveryView } from './views.ts';
import { type Window, windowsOf } from './windows.ts';

const ALL_STATUSES: readonly DeliveryStatus[] = ['pending', 'retrying', 'delivered', 'failed', 'skipped'];

/** A delivery can be replayed for ever; the newest attempts are shown. */
const MAX_ATTEMPTS = 1_000;

/** {@link History} in Postgres. */
export class PostgresHistory implements History {
  readonly #database: Database<Tables>;
  readonly #clock: Clock;

  constructor(database: Database<Tables>, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async list(query: DeliveryQuery): Promise<readonly DeliveryView[]> {
    const rows: DeliveriesTable[] = [];
    for (const window of windowsOf(query, this.#clock.now())) {
      const limit = query.limit - rows.length;
      rows.push(...(await this.#ask<DeliveriesTable>(listDeliveries({ ...query, limit }, window))));
      if (rows.length >= query.limit) break;
    }
    return rows.map(deliveryView);
  }

  async get(tenant: TenantId, webhookId: WebhookId | null, id: DeliveryId): Promise<DeliveryView | null> {
    const ofWebhook = webhookId === null ? sql`true` : sql`webhook_id = ${webhookId}`;
    // An event that was fanned out twice, far apart, has two deliveries of one id: the newer one answers.
    const [row] = await this.#ask<DeliveriesTable>(sql`
      SELECT * FROM history.deliveries WHERE id = ${id} AND tenant = ${tenant} AND ${ofWebhook}
      ORDER BY created_at DESC LIMIT 1`);
    return row === undefined ? null : deliveryView(row);
  }

  async attempts({ id, createdAt }: DeliveryView): Promise<readonly AttemptView[]> {
    const rows = await this.#ask<AttemptsTable>(sql`
      SELECT * FROM history.attempts WHERE delivery_created_at = ${createdAt} AND delivery_id = ${id}
      ORDER BY round DESC, number DESC LIMIT ${MAX_ATTEMPTS}`);
    return rows.toReversed().map(attemptView);
  }

  totals(tenant: TenantId, webhookIds: readonly WebhookId[]): Promise<readonly WebhookTotalsView[]> {
    return this.#ask<WebhookTotalsView>(sql`
      SELECT webhook_id AS "webhookId", sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
        max(last_success_at) AS "lastSuccessAt", max(last_failure_at) AS "lastFailureAt"
      FROM history.webhook_statistics
      WHERE tenant = ${tenant} AND webhook_id = ANY(${[...webhookIds]}::text[])
      GROUP BY webhook_id`);
  }

  hours(tenant: TenantId, webhookId: WebhookId | null, from: number, to: number): Promise<readonly HourView[]> {
    const ofWebhook = webhookId === null ? sql`true` : sql`webhook_id = ${webhookId}`;
    return this.#ask<HourView>(sql`
      SELECT hour, sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed, sum(attempts)::bigint AS attempts,
        sum(failed_attempts)::bigint AS "failedAttempts", sum(response_ms_sum)::bigint AS "responseMsSum",
        sum(responses)::bigint AS responses
      FROM history.hourly_statistics
      WHERE tenant = ${tenant} AND ${ofWebhook} AND hour >= ${from} AND hour < ${to}
      GROUP BY hour ORDER BY hour`);
  }

  #ask<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return available(async () => (await query.execute(this.#database.db)).rows as Row[]);
  }
}

/**
 * Each status has its own ordered stretch of the index, so every status is a branch that stops after one page, and the
 * branches are merged: as fast for a filter that matches one row in a million as for none. Keys first, rows after.
 */
export function listDeliveries(query: DeliveryQuery, window: Window): RawBuilder<unknown> {
  const { tenant, webhookId, eventTypes, after, offset, limit } = query;
  const inWindow = sql`created_at >= ${window.from} AND created_at < ${window.to}`;
  const where = sql.join(
    [
      sql`tenant = ${tenant}`,
      ...(webhookId === null ? [] : [sql`webhook_id = ${webhookId}`]),
      ...(eventTypes.length === 0 ? [] : [ofTypes(eventTypes)]),
      // Leaves out partitions, which the comparison of rows below does not.
      inWindow,
      ...(after === null ? [] : [sql`(created_at, id) < (${after.createdAt}, ${after.id})`]),
    ],
    sql` AND `,
  );
  const statuses = query.statuses.length === 0 ? ALL_STATUSES : query.statuses;
  const branches = statuses.map(
    (status) => sql`(
      SELECT created_at, id FROM history.deliveries WHERE ${where} AND status = ${status}
      ORDER BY created_at DESC, id DESC LIMIT ${limit + offset})`,
  );
  return sql`
    SELECT delivery.* FROM (
      SELECT * FROM (${sql.join(branches, sql` UNION ALL `)}) AS found
      ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}
    ) AS page JOIN (SELECT * FROM history.deliveries WHERE ${inWindow}) AS delivery USING (created_at, id)
    ORDER BY delivery.created_at DESC, delivery.id DESC`;
}

/** Exact names, and what begins with `family.`. */
function ofTypes(eventTypes: readonly string[]): RawBuilder<unknown> {
  const names = eventTypes.filter((type) => !type.endsWith('.*'));
  const beginnings = eventTypes.filter((type) => type.endsWith('.*')).map((type) => type.slice(0, -1));
  return sql`(event_type = ANY(${names}::text[]) OR event_type ^@ ANY(${beginnings}::text[]))`;
}
