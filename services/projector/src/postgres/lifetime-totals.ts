import type { DayTotals, LifetimeTotals } from '@grapnel/contracts/totals-codec';
import { type Column, namesOf, unnest } from '@grapnel/db/unnest';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { type Kysely, sql } from 'kysely';
import type { Restored, TotalsSoFar } from '../ports.ts';
import type { AttemptMade } from '../project/delivery-state.ts';
import { storedCheckpoints } from './checkpoints.ts';
import { ARCHIVED, type Tables } from './tables.ts';
import { WEBHOOK_TOTALS } from './write-statistics.ts';

type TotalsRow = DayTotals & { readonly tenant: TenantId; readonly webhookId: WebhookId };

const COVERED: readonly Column<LifetimeTotals>[] = [
  { name: 'webhook_id', type: 'text', of: ({ webhookId }) => webhookId },
  { name: 'made_before', type: 'bigint', of: ({ madeBefore }) => madeBefore },
  { name: 'sequence', type: 'bigint', of: ({ covered }) => covered },
];

/**
 * Takes lifetime totals over into a read model that has counted nothing of OUTCOMES. What it archived itself stays: it is
 * not older, and contains the days before `keptFrom`.
 */
export async function restoreTotals(
  db: Kysely<Tables>,
  { totals, outcomesCreated }: Restored,
  keptFrom: number,
): Promise<void> {
  const rows = totals.flatMap(({ tenant, webhookId, days }) => days.map((day) => ({ tenant, webhookId, ...day })));
  const wanted = rows.filter(({ day }) => day === ARCHIVED || day >= keptFrom);
  if (wanted.length > 0) {
    await sql`
      INSERT INTO history.webhook_statistics (${namesOf(WEBHOOK_TOTALS)}) SELECT * FROM ${unnest(WEBHOOK_TOTALS, wanted)}
      ON CONFLICT DO NOTHING`.execute(db);
  }
  const covering = totals.filter((known) => known.outcomesCreated === outcomesCreated);
  if (covering.length === 0) return;
  await sql`
    INSERT INTO history.covered_totals (${namesOf(COVERED)}) SELECT * FROM ${unnest(COVERED, covering)}
    ON CONFLICT (webhook_id) DO UPDATE SET made_before = excluded.made_before, sequence = excluded.sequence`.execute(
    db,
  );
}

export async function totalsBefore(
  db: Kysely<Tables>,
  madeBefore: number,
  outcomes: string,
  known: readonly WebhookId[],
): Promise<TotalsSoFar> {
  const checkpoints = await storedCheckpoints(db);
  const { rows } = await sql<TotalsRow>`
    SELECT tenant, webhook_id AS "webhookId", day, delivered, failed, last_success_at AS "lastSuccessAt",
      last_failure_at AS "lastFailureAt"
    FROM history.webhook_statistics WHERE day < ${madeBefore} ORDER BY tenant, webhook_id, day`.execute(db);
  const webhooks = new Map<WebhookId, { tenant: TenantId; webhookId: WebhookId; days: DayTotals[] }>();
  for (const { tenant, webhookId, ...day } of rows) {
    const before = webhooks.get(webhookId);
    if (before === undefined) webhooks.set(webhookId, { tenant, webhookId, days: [day] });
    else before.days.push(day);
  }
  const gone = await sql<{ id: WebhookId }>`
    SELECT webhook_id AS id FROM history.deleted_webhooks WHERE webhook_id = ANY(${[...known]}::text[])`.execute(db);
  return {
    checkpoint: checkpoints.find(({ stream }) => stream === outcomes) ?? null,
    webhooks: [...webhooks.values()],
    deleted: gone.rows.map(({ id }) => id),
  };
}

/** Which outcomes the totals contain that this read model began with. */
export class CoveredTotals {
  readonly #byWebhook: ReadonlyMap<string, { readonly madeBefore: number; readonly sequence: number }>;

  private constructor(byWebhook: ReadonlyMap<string, { readonly madeBefore: number; readonly sequence: number }>) {
    this.#byWebhook = byWebhook;
  }

  /** When the read model is past all of them. */
  static async forget(db: Kysely<Tables>): Promise<void> {
    await sql`DELETE FROM history.covered_totals`.execute(db);
  }

  static readonly none = new CoveredTotals(new Map());

  static async load(db: Kysely<Tables>): Promise<CoveredTotals> {
    const { rows } = await sql<Tables['history.covered_totals']>`SELECT * FROM history.covered_totals`.execute(db);
    return new CoveredTotals(
      new Map(rows.map((row) => [row.webhook_id, { madeBefore: row.made_before, sequence: row.sequence }])),
    );
  }

  contain({ delivery, outcomeSequence }: AttemptMade): boolean {
    const covered = this.#byWebhook.get(delivery.webhookId);
    return covered !== undefined && delivery.createdAt < covered.madeBefore && outcomeSequence <= covered.sequence;
  }
}
