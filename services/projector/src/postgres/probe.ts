import type { Database } from '@grapnel/db/database';
import type { Clock } from '@grapnel/runtime/clock';
import { sql } from 'kysely';
import type { Tables } from './tables.ts';

const PROBE_MS = 2_000;

/** Looks now and then whether the database answers. */
export class DatabaseProbe {
  #problem: string | null = 'postgres: not asked yet';

  /** For readiness. */
  problem(): string | null {
    return this.#problem;
  }

  /** Until `signal` aborts. */
  async run(database: Database<Tables>, clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#problem = await sql`SELECT 1`.execute(database.db).then(
        () => null,
        () => 'postgres: out of reach',
      );
      await clock.sleep(PROBE_MS, signal).catch(() => {});
    }
  }
}
