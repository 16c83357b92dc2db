import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** While a rebuild reads outcomes that the totals it began with contain: which these are, by webhook. */
export const coveredTotals: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql
      .raw(
        `CREATE TABLE history.covered_totals (
          webhook_id text COLLATE "C" PRIMARY KEY,
          made_before bigint NOT NULL,
          sequence bigint NOT NULL
        )`,
      )
      .execute(db);
  },
};
