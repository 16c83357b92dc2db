import type { Statement } from '@grapnel/db/statement';
import type { DeliveryStatus } from '@grapnel/domain/delivery/outcome';
import type { DeliveryQuery, Position } from '../ports.ts';
import {
  type DeliveryRow,
  MOST_MERGED,
  pageStatement,
  placeStatement,
  type Reading,
  type Shape,
  typesStatement,
} from './list-statements.ts';
import { joined, type Window, windowsOf } from './windows.ts';

const ALL_STATUSES: readonly DeliveryStatus[] = ['pending', 'retrying', 'delivered', 'failed', 'skipped'];
/** Before the newest of all deliveries. */
const TOP: Position = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };

/** From so many rows on it is worth opening every branch in every partition at once. */
const MANY_ROWS = 500;
/** When the first days have less than this part of a page, a week would not fill it either. */
const SPARSE = 5;

/** Runs a statement and returns its rows. */
type Ask = <Row>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

/** A page, newest first: from the newest days, and from the others only when these have too little. */
export async function listDeliveries(query: DeliveryQuery, now: number, ask: Ask): Promise<DeliveryRow[]> {
  const after = query.offset > 0 ? await placeAt(query, ask) : (query.after ?? TOP);
  if (after === null) return [];
  const rows: DeliveryRow[] = [];
  let [window, ...older] = windowsOf({ ...query, after }, now);
  for (let isNewest = true; window !== undefined; isNewest = false) {
    const missing = query.limit - rows.length;
    const merge = isNewest || missing >= MANY_ROWS;
    rows.push(...(await pageIn(window, { ...query, after, limit: missing }, merge, ask)));
    if (rows.length >= query.limit) break;
    [window, ...older] = rows.length * SPARSE < query.limit ? joined(older) : older;
  }
  return rows;
}

/** The place of the delivery before the one at the offset; `null` when there are not so many. */
async function placeAt(query: DeliveryQuery, ask: Ask): Promise<Position | null> {
  const whole = { from: query.from ?? 0, to: query.to ?? TOP.createdAt };
  const { shape, branches } = await branchesIn(whole, query, ask);
  if (branches.length === 0) return null;
  const reading = readingOf(branches, query.offset >= MANY_ROWS);
  const place = placeStatement(shape, reading === 'placed' ? 'sorted' : reading);
  const values = valuesOf(query, whole, branches, TOP, query.offset);
  const [last] = await ask<{ created_at: number; id: string }>(place, values);
  return last === undefined ? null : { createdAt: last.created_at, id: last.id };
}

async function pageIn(window: Window, query: DeliveryQuery, merge: boolean, ask: Ask): Promise<DeliveryRow[]> {
  const { shape, branches } = await branchesIn(window, query, ask);
  if (branches.length === 0) return [];
  const values = valuesOf(query, window, branches, query.after ?? TOP, query.limit);
  return ask<DeliveryRow>(pageStatement(shape, readingOf(branches, merge)), [
    ...values,
    ...(query.webhookId === null ? [] : [query.tenant]),
  ]);
}

function readingOf({ length }: readonly Branch[], merge: boolean): Reading {
  if (length > MOST_MERGED) return 'placed';
  if (length === 1) return 'single';
  return merge ? 'merged' : 'sorted';
}

/** A stretch of an index, ordered by time. */
interface Branch {
  readonly status: DeliveryStatus;
  /** `null`: of the index without types. */
  readonly type: string | null;
}

function valuesOf(
  { webhookId, tenant }: DeliveryQuery,
  { from, to }: Window,
  branches: readonly Branch[],
  { createdAt, id }: Position,
  count: number,
): unknown[] {
  return [
    ...[from, to, createdAt, id, branches.map(({ status }) => status), count, webhookId ?? tenant],
    ...(branches.some(({ type }) => type === null) ? [] : [branches.map(({ type }) => type)]),
  ];
}

/** The branches that a list is merged of: every status asked for, or all, in every type asked for, with those of families. */
async function branchesIn(
  window: Window,
  { tenant, webhookId, statuses, eventTypes }: DeliveryQuery,
  ask: Ask,
): Promise<{ readonly shape: Shape; readonly branches: readonly Branch[] }> {
  const scope = webhookId === null ? 'tenant' : 'webhook';
  const families = eventTypes.filter(isFamily).map((type) => type.slice(0, -1));
  const types = new Set<string | null>(eventTypes.length === 0 ? [null] : eventTypes.filter((type) => !isFamily(type)));
  if (families.length > 0) {
    const values = [window.from, window.to, families, webhookId ?? tenant];
    for (const { name } of await ask<{ name: string }>(typesStatement(scope), values)) types.add(name);
  }
  const wanted = statuses.length === 0 ? ALL_STATUSES : statuses;
  return {
    shape: { scope, byType: eventTypes.length > 0 },
    branches: wanted.flatMap((status) => [...types].map((type) => ({ status, type }))),
  };
}

const isFamily = (type: string): boolean => type.endsWith('.*');
