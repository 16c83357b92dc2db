import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A page of one event type, or of a family, is read from an ordered stretch of an index as any other page is. */
export const types: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};

// A webhook's id says whose it is: without the tenant these two are smaller, and Postgres cannot take one of a whole
// tenant's for the question of one webhook.
const STATEMENTS = [
  `DROP INDEX history.deliveries_of_webhook`,
  `CREATE INDEX deliveries_of_webhook ON history.deliveries (webhook_id, status, created_at, id)`,
  `CREATE INDEX deliveries_of_webhook_by_type ON history.deliveries
    (webhook_id, event_type, status, created_at, id)`,
  `CREATE INDEX deliveries_of_tenant_by_type ON history.deliveries (tenant, event_type, status, created_at, id)`,
];
