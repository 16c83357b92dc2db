import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * A row of statistics is changed by every batch that touches its webhook. With room beside it the new version stays in its
 * page, and neither index gets an entry (a HOT update); otherwise every change would move it.
 */
export const statistics: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const table of ['webhook_statistics', 'hourly_statistics']) {
      await sql.raw(`ALTER TABLE history.${table} SET (fillfactor = 40)`).execute(db);
    }
  },
};
