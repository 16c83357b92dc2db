import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The indexes with types, which no question without a type can be answered from, nor the other way round. */
export const typesApart: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};

// Lists are planned for any values. Where an average tenant has few rows a day, one index looked as good as the other to such a
// plan, and a rare type was looked for among all rows of the largest tenant. "POSIX" compares as "C" does, but an index of
// one collation is not used for a comparison in the other.
const STATEMENTS = [
  `DROP INDEX history.deliveries_of_webhook_by_type`,
  `DROP INDEX history.deliveries_of_tenant_by_type`,
  `CREATE INDEX deliveries_of_webhook_by_type ON history.deliveries
    (webhook_id COLLATE "POSIX", event_type, status, created_at, id)`,
  `CREATE INDEX deliveries_of_tenant_by_type ON history.deliveries
    (tenant COLLATE "POSIX", event_type, status, created_at, id)`,
];
