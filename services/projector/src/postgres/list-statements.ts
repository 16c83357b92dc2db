import type { Statement } from '@grapnel/db/statement';
import type { DeliveriesTable } from './tables.ts';

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

/** What a list is of. */
export interface Shape {
  readonly scope: 'tenant' | 'webhook';
  /** Whether each branch is of one type. */
  readonly byType: boolean;
}

/** As many as there are statuses. */
export const MOST_MERGED = 5;

/**
 * How the branches of a list are read; each is of one status, alone or of one type, and so a stretch of an index, ordered by time.
 *
 * - `merged`, up to {@link MOST_MERGED}: each is read from its newest day back, one row at a time, and only as far as it is needed.
 *   But each is opened in each partition.
 * - `single`: the same with one.
 * - `sorted`: one after the other, up to a page of each. Partitions are opened once for all.
 * - `placed`: the same, but only of their places in the index; then the rows of the page that these make.
 */
export type Reading = 'single' | 'merged' | 'sorted' | 'placed';

/**
 * A page. Its values: from, to, the place it comes after (time and id), the status of each branch, how many rows, whose list it is (the
 * tenant or the webhook); by type the type of each branch; of a webhook the tenant.
 */
export const pageStatement = (shape: Shape, reading: Reading): Statement =>
  made(`page of ${nameOf(shape, reading)}`, () => {
    const { scope, byType } = shape;
    const rows =
      reading === 'placed' ? rowsAt(branches(shape, 'sorted', PLACE, PAGE)) : branches(shape, reading, ROW, PAGE);
    // A webhook has one tenant: of somebody else's, a page is read and left out.
    const isMine = scope === 'webhook' ? `WHERE tenant = ${byType ? '$9' : '$8'}` : '';
    return `SELECT ${COLUMNS_SHOWN} FROM (${rows}) AS page ${isMine} ${NEWEST_FIRST}`;
  });

/**
 * The place of the last of as many as an offset passes over: from the index alone, without the rows. The values of a page but the
 * tenant, which the page that begins there asks about.
 */
export const placeStatement = (shape: Shape, reading: Exclude<Reading, 'placed'>): Statement =>
  made(`place in ${nameOf(shape, reading)}`, () => branches(shape, reading, PLACE, 'OFFSET $6::bigint - 1 LIMIT 1'));

const statements = new Map<string, Statement>();

/** Texts are long and asked for again and again: each is put together once. */
function made(name: string, text: () => string): Statement {
  let statement = statements.get(name);
  if (statement === undefined) statements.set(name, (statement = { name, text: text() }));
  return statement;
}

const nameOf = ({ scope, byType }: Shape, reading: Reading): string =>
  `${scope}${byType ? ' by type' : ''}, ${reading}`;

const PLACE = 'created_at, id';
const ROW = `${COLUMNS_SHOWN}, tenant`;
const NEWEST_FIRST = 'ORDER BY created_at DESC, id DESC';
const PAGE = 'LIMIT $6';
/** Leaves out partitions, which the comparison of rows does not. */
const IN_WINDOW = 'created_at >= $1::bigint AND created_at < $2::bigint';

function branches(shape: Shape, reading: Exclude<Reading, 'placed'>, columns: string, rest: string): string {
  if (reading === 'sorted') return sorted(shape, columns, rest);
  // Of fewer, the others have no status, which no row has.
  const all = Array.from({ length: reading === 'single' ? 1 : MOST_MERGED }, (_, i) => {
    const type = shape.byType ? `($8::text[])[${i + 1}]` : null;
    return `(${branch(shape.scope, columns, `($5::text[])[${i + 1}]`, type)})`;
  });
  return `SELECT * FROM (${all.join(' UNION ALL ')}) AS merged ${NEWEST_FIRST} ${rest}`;
}

function sorted({ scope, byType }: Shape, columns: string, rest: string): string {
  const [types, name] = byType ? [', $8::text[]', ', type'] : ['', ''];
  return `
    SELECT found.* FROM unnest($5::text[]${types}) AS branch (status${name})
    CROSS JOIN LATERAL (${branch(scope, columns, 'branch.status', byType ? 'branch.type' : null)}) AS found
    ${NEWEST_FIRST} ${rest}`;
}

function branch(scope: Shape['scope'], columns: string, status: string, type: string | null): string {
  const owned =
    type === null ? `${OWNER[scope]} = $7` : `${OWNER_BY_TYPE[scope]} = $7 AND delivery.event_type = ${type}`;
  return `
    SELECT ${columns} FROM history.deliveries AS delivery
    WHERE ${owned} AND delivery.status = ${status} AND ${IN_WINDOW} AND (created_at, id) < ($3::bigint, $4)
    ${NEWEST_FIRST} ${PAGE}`;
}

const rowsAt = (places: string): string => `
  SELECT found.* FROM (${places}) AS place
  CROSS JOIN LATERAL (
    SELECT ${ROW} FROM history.deliveries
    WHERE id = place.id AND created_at = place.created_at AND ${IN_WINDOW} LIMIT 1
  ) AS found`;

const OWNER = { tenant: 'tenant', webhook: 'webhook_id' } as const;
/** In the collation of the indexes with types, so that no plan takes another one. */
const OWNER_BY_TYPE = { tenant: 'tenant COLLATE "POSIX"', webhook: 'webhook_id COLLATE "POSIX"' } as const;

/**
 * The types of families that are there, found by jumping in the index from one to the next. Its values: from, to, how the types
 * begin, whose list it is.
 */
export const typesStatement = (scope: Shape['scope']): Statement =>
  made(
    `types of ${scope}`,
    () => `
    WITH RECURSIVE known AS (
      SELECT beginning AS name, left(beginning, -1) || '/' AS beyond
      FROM (SELECT unnest($3::text[]) COLLATE "C" AS beginning) AS families
      UNION ALL
      SELECT (
        SELECT event_type FROM history.deliveries
        WHERE ${OWNER_BY_TYPE[scope]} = $4 AND ${IN_WINDOW} AND event_type > known.name AND event_type < known.beyond
        ORDER BY event_type LIMIT 1
      ) COLLATE "C", beyond FROM known WHERE name IS NOT NULL
    )
    SELECT name FROM known WHERE name <> ALL ($3)`,
  );
