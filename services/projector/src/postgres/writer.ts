import type { Session } from '@grapnel/db/database';
import { Semaphore } from '@grapnel/runtime/semaphore';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Checkpoint, CheckpointMoved, type ProjectionWriter, type Written } from '../ports.ts';
import type { Changes } from '../project/changes.ts';
import { DAY_MS, DAYS_AHEAD, dayOf } from '../project/days.ts';
import { statisticsOf } from '../project/statistics.ts';
import { loadCheckpoint, lockOutWriters, moveCheckpoint, storedCheckpoints } from './checkpoints.ts';
import { deleteWebhook, withoutDeleted } from './deleted-webhooks.ts';
import { earlierResults } from './earlier-results.ts';
import { createPartitions, dropDay, horizon, moveHorizon, partitionDays } from './partitions.ts';
import type { Tables } from './tables.ts';
import { writeAttempts } from './write-attempts.ts';
import { writeDeliveries } from './write-deliveries.ts';
import { addHourTotals, addWebhookTotals } from './write-statistics.ts';
import { WrittenLately } from './written-lately.ts';

/** Deliveries made outside of it are not kept: older ones are dropped, later ones are not believed. */
interface Window {
  readonly from: number;
  readonly until: number;
}

/** Writes over the one connection that holds the lock. After an error it is not used again. */
export class PostgresWriter implements ProjectionWriter {
  readonly #db: Kysely<Tables>;
  readonly #turn = new Semaphore(1);
  readonly #lately = new WrittenLately();
  #window: Window = { from: 0, until: 0 };
  #days = new Set<number>();

  private constructor(session: Session<Tables>) {
    this.#db = session.db;
  }

  static async begin(session: Session<Tables>): Promise<PostgresWriter> {
    // The checkpoint is lost together with the rows it stands for, so a crash costs a replay and no consistency.
    await sql`SET synchronous_commit = off`.execute(session.db);
    return new PostgresWriter(session);
  }

  checkpoint(stream: string, created: string, last: number): Promise<Checkpoint> {
    return this.#transaction((trx) => loadCheckpoint(trx, stream, created, last));
  }

  async apply(all: Changes, from: Checkpoint, to: number): Promise<Written> {
    const changes = { ...all, deliveries: this.#lately.without(all.deliveries) };
    const written = await this.#transaction(async (trx) => {
      await moveCheckpoint(trx, from, to);
      for (const gone of changes.deletedWebhooks) await deleteWebhook(trx, gone);
      const { deliveries, attempts } = await withoutDeleted(trx, this.#inWindow(changes));
      for (const day of new Set(deliveries.map(({ delivery }) => dayOf(delivery.createdAt)))) {
        if (!this.#days.has(day)) await this.#addDay(trx, day);
      }
      const changed = await writeDeliveries(trx, deliveries);
      const earlier = await earlierResults(trx, attempts);
      const inserted = await writeAttempts(trx, attempts);
      const { webhooks, hours } = statisticsOf(inserted, earlier);
      await addWebhookTotals(trx, webhooks);
      await addHourTotals(trx, hours);
      return { deliveries: changed, attempts: inserted.length };
    });
    this.#lately.remember(changes.deliveries);
    return written;
  }

  maintain(today: number, keptFrom: number): Promise<void> {
    return this.#transaction(async (trx) => {
      await lockOutWriters(trx);
      await moveHorizon(trx, keptFrom);
      this.#window = { from: await horizon(trx), until: today + (DAYS_AHEAD + 1) * DAY_MS };
      this.#days = await partitionDays(trx);
      for (const day of this.#days) {
        if (day >= this.#window.from) continue;
        await dropDay(trx, day);
        this.#days.delete(day);
      }
      for (let day = today; day < this.#window.until; day += DAY_MS) await this.#addDay(trx, day);
    });
  }

  confirm(remembered: () => readonly Checkpoint[]): Promise<void> {
    return this.#transaction(async (trx) => {
      const stored = await storedCheckpoints(trx);
      // Asked for only now: what was applied before this transaction has been remembered meanwhile.
      for (const { stream, created, sequence } of remembered()) {
        const known = stored.find((checkpoint) => checkpoint.stream === stream);
        if (known?.created !== created || known.sequence !== sequence) throw new CheckpointMoved(stream);
      }
    });
  }

  async #addDay(trx: Transaction<Tables>, day: number): Promise<void> {
    await createPartitions(trx, day);
    this.#days.add(day);
  }

  #inWindow({ deliveries, attempts, deletedWebhooks }: Changes): Changes {
    const { from, until } = this.#window;
    const inside = ({ delivery }: { readonly delivery: { readonly createdAt: number } }): boolean =>
      delivery.createdAt >= from && delivery.createdAt < until;
    return { deliveries: deliveries.filter(inside), attempts: attempts.filter(inside), deletedWebhooks };
  }

  /** One after the other: a deletion and the rows it deletes must not pass each other. */
  async #transaction<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    await this.#turn.acquire();
    try {
      return await this.#db.transaction().execute(work);
    } finally {
      this.#turn.release();
    }
  }
}
