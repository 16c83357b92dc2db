import type { Statement } from '@grapnel/db/statement';
import type { DeliveryStatus } from '@grapnel/domain/delivery/outcome';
import type { DeliveryQuery, Position } from '../ports.ts';
import type { DeliveriesTable } from './tables.ts';
import { type Window, windowsOf } from './windows.ts';

/** What a list shows of a delivery. */
export type DeliveryRow = Pick<DeliveriesTable, (typeof SHOWN)[number]>;

const SHOWN = [
  ...(['id', 'webhook_id', 'event_id', 'event_type', 'job_id', 'task_id', 'created_at', 'test'] as const),
  ...(['body_bytes', 'sequence', 'status', 'round', 'attempt_number', 'next_attempt_at', 'delivered_at'] as const),
  ...(['skip_reason', 'last_attempt_round', 'request_url', 'request_method', 'response_status'] as const),
  ...(['response_duration_ms', 'error_code', 'error_message'] as const),
] as const;

/** The columns of a {@link DeliveryRow}. */
export const COLUMNS_SHOWN: string = SHOWN.join(', ');

const ALL_STATUSES: readonly DeliveryStatus[] = ['pending', 'retrying', 'delivered', 'failed', 'skipped'];
/** Before the newest of all deliveries. */
const TOP: Position = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };

/** Runs a statement and returns its rows. */
type Ask = <Row>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

/** A page, newest first: from the newest days, and from the others only when these have too little. */
export async function listDeliveries(query: DeliveryQuery, now: number, ask: Ask): Promise<DeliveryRow[]> {
  const { page, place } = STATEMENTS[query.webhookId === null ? 'tenant' : 'webhook'][typesOf(query)];
  let { after } = query;
  if (query.offset > 0) {
    const whole = { from: query.from ?? 0, to: query.to ?? TOP.createdAt };
    const [last] = await ask<{ created_at: number; id: string }>(place, valuesOf(query, whole, after, query.offset));
    if (last === undefined) return [];
    after = { createdAt: last.created_at, id: last.id };
  }
  const rows: DeliveryRow[] = [];
  for (const window of windowsOf({ ...query, after }, now)) {
    rows.push(...(await ask<DeliveryRow>(page, valuesOf(query, window, after, query.limit - rows.length))));
    if (rows.length >= query.limit) break;
  }
  return rows;
}

/** How much of what there is a list asks for: which decides how its page is read. */
type Types = 'all' | 'some' | 'many';

/** Of a family one knows only in the database how many types it has. */
const FAMILY = 4;
/** More branches than these are merged by their places alone. */
const MANY_BRANCHES = 8;

function typesOf({ eventTypes, statuses }: DeliveryQuery): Types {
  if (eventTypes.length === 0) return 'all';
  const types = eventTypes.reduce((sum, type) => sum + (isFamily(type) ? FAMILY : 1), 0);
  return types * (statuses.length || ALL_STATUSES.length) > MANY_BRANCHES ? 'many' : 'some';
}

const isFamily = (type: string): boolean => type.endsWith('.*');

function valuesOf(query: DeliveryQuery, { from, to }: Window, after: Position | null, count: number): unknown[] {
  const { tenant, webhookId, eventTypes, statuses } = query;
  const { createdAt, id } = after ?? TOP;
  const beginnings = eventTypes.filter(isFamily).map((type) => type.slice(0, -1));
  return [
    ...[tenant, from, to, createdAt, id, statuses.length === 0 ? ALL_STATUSES : statuses, count],
    ...(webhookId === null ? [] : [webhookId]),
    ...(eventTypes.length === 0 ? [] : [eventTypes.filter((type) => !isFamily(type)), beginnings]),
  ];
}

/**
 * Each status, and each type with each status, has its own stretch of an index, ordered by time: so every one is a branch
 * that reads its days from the newest back and stops after one page, and the branches are merged. A filter that matches
 * one row in a million costs as little as none.
 */
function statementsOf(scope: 'tenant' | 'webhook', types: Types): { page: Statement; place: Statement } {
  // Leaves out partitions, which the comparison of rows below does not.
  const inWindow = 'created_at >= $2::bigint AND created_at < $3::bigint';
  // Somebody else's webhook is found out by one of its rows, not by reading all of them.
  const mine =
    scope === 'tenant'
      ? 'tenant = $1'
      : `webhook_id = $8
          AND (SELECT tenant FROM history.deliveries WHERE webhook_id = $8 AND ${inWindow} LIMIT 1) = $1`;
  const [names, beginnings] = scope === 'webhook' ? ['$9', '$10'] : ['$8', '$9'];
  const newest = (columns: string, rest: string): string => `
    ${types === 'all' ? '' : withTypes(`${mine} AND ${inWindow}`, names, beginnings)}
    SELECT found.* FROM unnest($6::text[]) AS status ${types === 'all' ? '' : 'CROSS JOIN wanted AS type'}
    CROSS JOIN LATERAL (
      SELECT ${columns} FROM history.deliveries AS delivery
      WHERE ${mine} AND ${inWindow} AND (created_at, id) < ($4::bigint, $5)
        AND delivery.status = status.status ${types === 'all' ? '' : 'AND event_type = type.name'}
      ORDER BY created_at DESC, id DESC LIMIT $7
    ) AS found
    ORDER BY created_at DESC, id DESC ${rest}`;
  // A row costs more than its place in the index, and each of many branches has a page of them.
  const rowsOfPlaces = `
    SELECT found.* FROM (${newest('created_at, id', 'LIMIT $7')}) AS place
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS_SHOWN} FROM history.deliveries
      WHERE id = place.id AND created_at = place.created_at AND ${inWindow} LIMIT 1
    ) AS found
    ORDER BY created_at DESC, id DESC`;
  return {
    page: {
      name: `page of ${scope}, ${types} types`,
      text: types === 'many' ? rowsOfPlaces : newest(COLUMNS_SHOWN, 'LIMIT $7'),
    },
    // The last of as many as an offset passes over: read from the index alone, without the rows.
    place: {
      name: `place in ${scope}, ${types === 'all' ? 'all' : 'some'} types`,
      text: newest('created_at, id', 'OFFSET $7::bigint - 1 LIMIT 1'),
    },
  };
}

/** The names asked for, and those that begin as asked for, found by jumping in the index from one to the next. */
const withTypes = (where: string, names: string, beginnings: string): string => `
  WITH RECURSIVE known AS (
    SELECT beginning AS name, left(beginning, -1) || '/' AS beyond
    FROM (SELECT unnest(${beginnings}::text[]) COLLATE "C" AS beginning) AS families
    UNION ALL
    SELECT (
      SELECT event_type FROM history.deliveries
      WHERE ${where} AND event_type > known.name AND event_type < known.beyond ORDER BY event_type LIMIT 1
    ) COLLATE "C", beyond FROM known WHERE name IS NOT NULL
  ), wanted AS (
    SELECT unnest(${names}::text[]) COLLATE "C" AS name UNION SELECT name FROM known WHERE name IS NOT NULL
  )`;

const allOf = (scope: 'tenant' | 'webhook') => ({
  all: statementsOf(scope, 'all'),
  some: statementsOf(scope, 'some'),
  many: statementsOf(scope, 'many'),
});

const STATEMENTS = {
  tenant: allOf('tenant'),
  webhook: allOf('webhook'),
};
