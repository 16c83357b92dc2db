import { type Kysely, sql } from 'kysely';
import type { Changes } from '../project/changes.ts';
import type { DeletedWebhook } from '../project/read-message.ts';
import type { Tables } from './tables.ts';

/** Without what belongs to webhooks that are gone: a message of theirs may come at any time (AC-07). */
export async function withoutDeleted(db: Kysely<Tables>, changes: Changes): Promise<Changes> {
  const ids = new Set(changes.deliveries.map(({ delivery }) => delivery.webhookId));
  if (ids.size === 0) return changes;
  const { rows } = await sql<{ webhook_id: string }>`
    SELECT webhook_id FROM history.deleted_webhooks WHERE webhook_id = ANY(${[...ids]}::text[])`.execute(db);
  if (rows.length === 0) return changes;
  const gone = new Set<string>(rows.map((row) => row.webhook_id));
  const stays = ({ delivery }: { readonly delivery: { readonly webhookId: string } }): boolean =>
    !gone.has(delivery.webhookId);
  return { ...changes, deliveries: changes.deliveries.filter(stays), attempts: changes.attempts.filter(stays) };
}

/** Removes every row of a webhook and remembers that it is gone. A large one takes longer than ordinary statements may. */
export async function deleteWebhook(
  db: Kysely<Tables>,
  { webhookId, tenant, deletedAt }: DeletedWebhook,
): Promise<void> {
  const { rows } = await sql`
    INSERT INTO history.deleted_webhooks (webhook_id, tenant, deleted_at) VALUES (${webhookId}, ${tenant}, ${deletedAt})
    ON CONFLICT DO NOTHING RETURNING webhook_id`.execute(db);
  if (rows.length === 0) return;
  const mine = sql`tenant = ${tenant} AND webhook_id = ${webhookId}`;
  await sql`
    DELETE FROM history.attempts USING history.deliveries
    WHERE ${mine} AND delivery_created_at = created_at AND delivery_id = id`.execute(db);
  await sql`DELETE FROM history.deliveries WHERE ${mine}`.execute(db);
  await sql`DELETE FROM history.webhook_statistics WHERE ${mine}`.execute(db);
  await sql`DELETE FROM history.hourly_statistics WHERE ${mine}`.execute(db);
}
