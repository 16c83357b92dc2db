import type { Database } from '@grapnel/db/database';
import type { Statement } from '@grapnel/db/statement';
import type { DeliveryId, TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Clock } from '@grapnel/runtime/clock';
import { FairTurns } from '@grapnel/runtime/fair-turns';
import type { AttemptView, DeliveryQuery, DeliveryView, History, HourView, WebhookTotalsView } from '../ports.ts';
import { available } from './available.ts';
import { listDeliveries } from './list-deliveries.ts';
import { COLUMNS_SHOWN, type DeliveryRow } from './list-statements.ts';
import type { Tables } from './tables.ts';
import { type AttemptRow, attemptView, deliveryView } from './views.ts';

/** A delivery can be replayed for ever; the newest attempts are shown. */
const MAX_ATTEMPTS = 1_000;

/** Statements of one tenant that wait for a connection: dispatchers ask about thousands of deliveries when they take over. */
const MAX_WAITING_OF_ONE = 8_192;

/** {@link History} in Postgres. Connections are given by turns of tenants, for each statement: who asks much delays nobody else. */
export class PostgresHistory implements History {
  readonly #database: Database<Tables>;
  readonly #clock: Clock;
  readonly #turns: FairTurns<TenantId>;

  constructor(database: Database<Tables>, maxConnections: number, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#turns = new FairTurns({ places: maxConnections, waitingOfOne: MAX_WAITING_OF_ONE });
  }

  async list(query: DeliveryQuery): Promise<readonly DeliveryView[]> {
    const rows = await listDeliveries(
      query,
      this.#clock.now(),
      <Row>(statement: Statement, values: readonly unknown[]) => this.#ask<Row>(query.tenant, statement, values),
    );
    return rows.map(deliveryView);
  }

  async get(tenant: TenantId, webhookId: WebhookId | null, id: DeliveryId): Promise<DeliveryView | null> {
    const [row] = await this.#ask<DeliveryRow>(tenant, ONE_DELIVERY, [id, tenant, webhookId]);
    return row === undefined ? null : deliveryView(row);
  }

  async attempts(tenant: TenantId, { id, createdAt }: DeliveryView): Promise<readonly AttemptView[]> {
    const rows = await this.#ask<AttemptRow>(tenant, ATTEMPTS, [createdAt, id]);
    return rows.toReversed().map(attemptView);
  }

  totals(tenant: TenantId, webhookIds: readonly WebhookId[]): Promise<readonly WebhookTotalsView[]> {
    return this.#ask<WebhookTotalsView>(tenant, TOTALS, [tenant, webhookIds]);
  }

  hours(tenant: TenantId, webhookId: WebhookId | null, from: number, to: number): Promise<readonly HourView[]> {
    return webhookId === null
      ? this.#ask<HourView>(tenant, HOURS_OF_TENANT, [tenant, from, to])
      : this.#ask<HourView>(tenant, HOURS_OF_WEBHOOK, [tenant, from, to, webhookId]);
  }

  #ask<Row>(tenant: TenantId, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.#turns.take(tenant, () => available(() => this.#database.ask<Row>(statement, values)));
  }
}

// Columns by name: a plan that a connection keeps must not change its result when a table gets another column.

// An event that was fanned out twice, far apart, has two deliveries of one id: the newer one answers.
const ONE_DELIVERY: Statement = {
  name: 'one delivery',
  text: `
    SELECT ${COLUMNS_SHOWN} FROM history.deliveries
    WHERE id = $1 AND tenant = $2 AND ($3::text IS NULL OR webhook_id = $3)
    ORDER BY created_at DESC LIMIT 1`,
};

const ATTEMPTS: Statement = {
  name: 'attempts',
  text: `
    SELECT round, number, started_at, duration_ms, request_url, request_method, request_headers, response_status,
      response_headers, response_body, error_code, error_message, remote_address, next_attempt_at, succeeded
    FROM history.attempts WHERE delivery_created_at = $1 AND delivery_id = $2
    ORDER BY round DESC, number DESC LIMIT ${MAX_ATTEMPTS}`,
};

const TOTALS: Statement = {
  name: 'totals',
  text: `
    SELECT webhook_id AS "webhookId", sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
      max(last_success_at) AS "lastSuccessAt", max(last_failure_at) AS "lastFailureAt"
    FROM history.webhook_statistics WHERE tenant = $1 AND webhook_id = ANY($2::text[])
    GROUP BY webhook_id`,
};

const HOURS_OF_TENANT = hoursOf('tenant', 'tenant = $1');
const HOURS_OF_WEBHOOK = hoursOf('webhook', 'tenant = $1 AND webhook_id = $4');

function hoursOf(scope: string, mine: string): Statement {
  const text = `
    SELECT hour, sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed, sum(attempts)::bigint AS attempts,
      sum(failed_attempts)::bigint AS "failedAttempts", sum(response_ms_sum)::bigint AS "responseMsSum",
      sum(responses)::bigint AS responses
    FROM history.hourly_statistics WHERE ${mine} AND hour >= $2 AND hour < $3
    GROUP BY hour ORDER BY hour`;
  return { name: `hours of ${scope}`, text };
}
