import type { ConnectionOptions } from '@grapnel/db/connection';
import { type Database, openSession, type Session } from '@grapnel/db/database';
import { sql } from 'kysely';
import { type Checkpoint, type ProjectionControl, RebuildUnderWay } from '../ports.ts';
import { available } from './available.ts';
import { lockOutWriters, storedCheckpoints } from './checkpoints.ts';
import { tryLock } from './locks.ts';
import { dropPartitions, partitionDays } from './partitions.ts';
import { ARCHIVED, type Tables } from './tables.ts';

/** {@link ProjectionControl} in Postgres; it need not be in the process that projects. */
export class PostgresControl implements ProjectionControl {
  readonly #database: Database<Tables>;
  readonly #options: ConnectionOptions;

  constructor(database: Database<Tables>, options: ConnectionOptions) {
    this.#database = database;
    this.#options = options;
  }

  checkpoints(): Promise<readonly Checkpoint[]> {
    return available(() => storedCheckpoints(this.#database.db));
  }

  reset(): Promise<AsyncDisposable> {
    return available(async () => {
      await using stack = new AsyncDisposableStack();
      const session: Session<Tables> = stack.use(await openSession<Tables>(this.#options));
      if (!(await tryLock(session.db, 'rebuild'))) throw new RebuildUnderWay();
      await session.db.transaction().execute(async (trx) => {
        await lockOutWriters(trx);
        for (const day of await partitionDays(trx)) await dropPartitions(trx, day);
        await sql`DELETE FROM history.webhook_statistics WHERE day <> ${ARCHIVED}`.execute(trx);
        await sql`TRUNCATE history.hourly_statistics, history.deleted_webhooks, history.covered_totals,
          history.checkpoints`.execute(trx);
      });
      return stack.move();
    });
  }
}
