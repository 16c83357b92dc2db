import type { WebhookId } from '@grapnel/domain/ids';
import type { Client } from 'pg';
import { DAY_MS, dayName, dayOf } from '../project/days.ts';
import { connected } from './connected.ts';

export interface FillOptions {
  readonly deliveries: number;
  /** Up to and with today. */
  readonly days: number;
  readonly now: number;
  readonly onProgress: (line: string) => void;
}

/** A history as large as one likes, of webhooks that differ in size as customers do. */
export const FILLED = {
  tenant: 'bench',
  webhooks: 1_000,
  /** One delivery in a hundred thousand. */
  rareType: 'task.paused',
  /** The first is a fifth of all, the last has one delivery in four thousand. */
  webhook: (n: number): WebhookId => `wh_${n.toString(16).padStart(26, '0')}`,
} as const;

const AT_ONCE = 2;

/** Writes straight into the tables, which a projector has made, instead of what is there of those days. */
export async function fillHistory(url: string, { deliveries, days, now, onProgress }: FillOptions): Promise<void> {
  const today = dayOf(now);
  const all = Array.from({ length: days }, (_, n) => today - n * DAY_MS);
  let done = 0;
  await forEachDay(url, all, async (client, day) => {
    const length = day === today ? Math.max(1, now - today) : DAY_MS;
    await fillDay(client, day, length, Math.round(deliveries / days));
    onProgress(`  ${Math.round((++done * deliveries) / days).toLocaleString('en-US')} deliveries`);
  });
  // Only now is no other transaction left that would keep rows from being marked as visible to all.
  await forEachDay(url, all, async (client, day) => {
    for (const table of ['deliveries', 'attempts']) {
      await client.query(`VACUUM (ANALYZE, FREEZE) history.${table}_${dayName(day)}`);
    }
  });
  // What is asked next should not wait for the disk that all of this is still being written to.
  await connected(url, (client) => client.query('CHECKPOINT'));
}

async function forEachDay(
  url: string,
  days: readonly number[],
  work: (client: Client, day: number) => Promise<void>,
): Promise<void> {
  const left = days.toReversed();
  const worker = (): Promise<void> =>
    connected(url, async (client) => {
      await client.query(`SET maintenance_work_mem = '256MB'; SET synchronous_commit = off; SET work_mem = '64MB'`);
      for (let day = left.shift(); day !== undefined; day = left.shift()) await work(client, day);
    });
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function fillDay(client: Client, day: number, length: number, count: number): Promise<void> {
  const name = dayName(day);
  const [deliveries, attempts] = [`history.deliveries_${name}`, `history.attempts_${name}`];
  await client.query(`
    BEGIN;
    SELECT setseed(0.5);
    DROP TABLE IF EXISTS ${deliveries}, ${attempts};
    DELETE FROM history.webhook_statistics WHERE day = ${day};
    DELETE FROM history.hourly_statistics WHERE day = ${day};
    ${partition('deliveries', 'created_at', day)}
    ${partition('attempts', 'delivery_created_at', day)}
    INSERT INTO ${deliveries} SELECT
      'dlv_' || left(md5('${day}:' || i), 26), at, CASE WHEN webhook % 5 = 4 THEN 'other' ELSE '${FILLED.tenant}' END,
      'wh_' || lpad(to_hex(webhook), 26, '0'), 'evt_' || md5('${day}' || i), type, 'job-' || i / 1000, null, at - 5, false,
      1024, 1, i, 0, attempt, rank, status, attempt, CASE WHEN status = 'retrying' THEN at + 60000 END,
      CASE WHEN status = 'delivered' THEN at + 80 END, CASE WHEN status = 'skipped' THEN 'webhook_deactivated' END,
      attempt - 1, attempt, CASE attempt WHEN 1 THEN 'https://customer-' || webhook || '.example/hooks/crawler' END,
      CASE attempt WHEN 1 THEN 'POST' END, CASE attempt WHEN 1 THEN CASE status WHEN 'delivered' THEN 200 ELSE 500 END END,
      CASE attempt WHEN 1 THEN 60 END, CASE WHEN status IN ('failed', 'retrying') THEN 'HTTP_500' END,
      CASE WHEN status IN ('failed', 'retrying') THEN 'the endpoint answered 500' END
    FROM (SELECT *, CASE WHEN status IN ('pending', 'skipped') THEN 0 ELSE 1 END AS attempt,
      CASE status WHEN 'pending' THEN 0 WHEN 'retrying' THEN 1 ELSE 2 END AS rank
    FROM (SELECT i, ${day} + i::bigint * ${length} / ${count} AS at, floor(${FILLED.webhooks} * r ^ 4)::int AS webhook,
      CASE WHEN t < 0.9 THEN 'crawl.page' WHEN t < 0.96 THEN 'crawl.completed' WHEN t < 0.99 THEN 'scrape.completed'
        WHEN t < 0.99999 THEN 'crawl.failed' ELSE '${FILLED.rareType}' END AS type,
      CASE WHEN s < 0.97 THEN 'delivered' WHEN s < 0.99 THEN 'failed' WHEN s < 0.995 THEN 'skipped'
        WHEN s < 0.999 THEN 'retrying' ELSE 'pending' END AS status
    FROM (SELECT i, random() AS r, random() AS t, random() AS s FROM generate_series(0, ${count - 1}) i) a) b) c;
    INSERT INTO ${attempts} SELECT created_at, id, round, attempt, sequence, status = 'delivered', created_at + 20, 60,
      request_url, request_method, '{"Content-Type":"application/json","X-Signature":"sha256=0"}', response_status,
      '{"server":"nginx"}', 'ok', error_code, error_message, '203.0.113.7', next_attempt_at
    FROM ${deliveries} WHERE attempt = 1;
    INSERT INTO history.webhook_statistics SELECT tenant, webhook_id, ${day}, count(*) FILTER (WHERE status = 'delivered'),
      count(*) FILTER (WHERE status = 'failed'), max(delivered_at), max(created_at) FILTER (WHERE status = 'failed')
    FROM ${deliveries} GROUP BY tenant, webhook_id;
    INSERT INTO history.hourly_statistics SELECT tenant, webhook_id, created_at - created_at % 3600000, ${day},
      count(*) FILTER (WHERE status = 'delivered'), count(*) FILTER (WHERE status = 'failed'), sum(attempt),
      count(*) FILTER (WHERE status IN ('failed', 'retrying')), sum(response_duration_ms), sum(attempt)
    FROM ${deliveries} WHERE attempt = 1 GROUP BY tenant, webhook_id, 3;
    ${attach('deliveries', day)}
    ${attach('attempts', day)}
    COMMIT;`);
}

/** Without indexes: attaching makes them, which is far faster than keeping them while rows come. */
const partition = (table: string, column: string, day: number): string => `
  CREATE TABLE history.${table}_${dayName(day)} (LIKE history.${table} INCLUDING DEFAULTS,
    CHECK (${column} >= ${day} AND ${column} < ${day + DAY_MS}));`;

const attach = (table: string, day: number): string => `
  ALTER TABLE history.${table} ATTACH PARTITION history.${table}_${dayName(day)}
  FOR VALUES FROM (${day}) TO (${day + DAY_MS});`;
