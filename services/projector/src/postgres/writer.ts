import type { Session } from '@grapnel/db/database';
import type { WebhookId } from '@grapnel/domain/ids';
import { Semaphore } from '@grapnel/runtime/semaphore';
import { type Kysely, sql, type Transaction } from 'kysely';
import {
  type Checkpoint,
  CheckpointMoved,
  type ProjectionWriter,
  type Restored,
  type TotalsSoFar,
  type Written,
} from '../ports.ts';
import type { Changes } from '../project/changes.ts';
import { DAY_MS, DAYS_AHEAD, dayOf } from '../project/days.ts';
import { statisticsOf } from '../project/statistics.ts';
import { loadCheckpoint, lockOutWriters, moveCheckpoint, storedCheckpoints } from './checkpoints.ts';
import { deleteWebhook, withoutDeleted } from './deleted-webhooks.ts';
import { earlierResults } from './earlier-results.ts';
import { CoveredTotals, restoreTotals, totalsBefore } from './lifetime-totals.ts';
import { countedDaysBefore, createPartitions, dropDay, horizon, moveHorizon, partitionDays } from './partitions.ts';
import type { Tables } from './tables.ts';
import { writeAttempts } from './write-attempts.ts';
import { writeDeliveries } from './write-deliveries.ts';
import { addHourTotals, addWebhookTotals } from './write-statistics.ts';

/** Deliveries made outside of it are not kept: older ones are dropped, later ones are not believed. */
interface Window {
  readonly from: number;
  readonly until: number;
}

/** Writes over the one connection that holds the lock. After an error it is not used again. */
export class PostgresWriter implements ProjectionWriter {
  readonly #db: Kysely<Tables>;
  readonly #turn = new Semaphore(1);
  #window: Window = { from: 0, until: 0 };
  #days = new Set<number>();
  #covered = CoveredTotals.none;

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

  apply(changes: Changes, from: Checkpoint, to: number): Promise<Written> {
    return this.#transaction(async (trx) => {
      await moveCheckpoint(trx, from, to);
      for (const gone of changes.deletedWebhooks) await deleteWebhook(trx, gone);
      const { deliveries, attempts } = await withoutDeleted(trx, this.#inWindow(changes));
      for (const day of new Set(deliveries.map(({ delivery }) => dayOf(delivery.createdAt)))) {
        if (!this.#days.has(day)) await this.#addDay(trx, day);
      }
      const changed = await writeDeliveries(trx, deliveries);
      const earlier = await earlierResults(trx, attempts);
      const inserted = await writeAttempts(trx, attempts);
      const { webhooks, hours } = statisticsOf(inserted, earlier, (made) => this.#covered.contain(made));
      await addWebhookTotals(trx, webhooks);
      await addHourTotals(trx, hours);
      return { deliveries: changed, attempts: inserted.length };
    });
  }

  prepare(today: number, keptFrom: number, outcomes: string, restored: Restored): Promise<void> {
    return this.#transaction(async (trx) => {
      await lockOutWriters(trx);
      const checkpoints = await storedCheckpoints(trx);
      const droppedBefore = await horizon(trx);
      if (!checkpoints.some(({ stream }) => stream === outcomes)) await restoreTotals(trx, restored, droppedBefore);
      if (droppedBefore === 0) await moveHorizon(trx, firstDayOf(restored, keptFrom));
      this.#covered = await CoveredTotals.load(trx);
      await this.#look(trx, today);
    });
  }

  maintain(today: number, keptFrom: number): Promise<void> {
    return this.#transaction(async (trx) => {
      await lockOutWriters(trx);
      await CoveredTotals.forget(trx);
      this.#covered = CoveredTotals.none;
      await moveHorizon(trx, keptFrom);
      await this.#look(trx, today);
      const { from } = this.#window;
      const old = [...this.#days, ...(await countedDaysBefore(trx, from))].filter((day) => day < from);
      for (const day of new Set(old)) {
        await dropDay(trx, day);
        this.#days.delete(day);
      }
    });
  }

  totalsBefore(madeBefore: number, outcomes: string, known: readonly WebhookId[]): Promise<TotalsSoFar> {
    return this.#transaction((trx) => totalsBefore(trx, madeBefore, outcomes, known));
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

  async #look(trx: Transaction<Tables>, today: number): Promise<void> {
    this.#window = { from: await horizon(trx), until: today + (DAYS_AHEAD + 1) * DAY_MS };
    this.#days = await partitionDays(trx);
    for (let day = today; day < this.#window.until; day += DAY_MS) await this.#addDay(trx, day);
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

/**
 * Totals are published while their newest day is the oldest that is kept, and perhaps not all were: the day before is
 * read again as well, and what they contain of it is not counted twice.
 */
const firstDayOf = ({ totals }: Restored, keptFrom: number): number =>
  Math.min(
    keptFrom,
    ...totals
      .map(({ madeBefore }) => madeBefore - 2 * DAY_MS)
      .toSorted((a, b) => b - a)
      .slice(0, 1),
  );
