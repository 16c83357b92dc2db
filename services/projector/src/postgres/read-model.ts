import type { ConnectionOptions } from '@grapnel/db/connection';
import { openSession, type Session } from '@grapnel/db/database';
import { migrate } from '@grapnel/db/migrate';
import type { ProjectionWriter, ReadModel } from '../ports.ts';
import { tryLock } from './locks.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { SCHEMA, type Tables } from './tables.ts';
import { PostgresWriter } from './writer.ts';

/** {@link ReadModel} in Postgres: one connection for each turn of projecting, which holds the lock and does the writing. */
export class PostgresReadModel implements ReadModel {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async exclusively(work: (writer: ProjectionWriter) => Promise<void>): Promise<boolean> {
    await using session: Session<Tables> = await openSession<Tables>(this.#options);
    if (!(await tryLock(session.db, 'project'))) return false;
    await migrate(session.db, SCHEMA, MIGRATIONS);
    await work(await PostgresWriter.begin(session));
    return true;
  }
}
