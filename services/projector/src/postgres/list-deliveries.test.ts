import { DeliveryStatus } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { systemClock } from '@grapnel/runtime/clock';
import { freshDatabase } from '@grapnel/testkit/infra';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../project/days.ts';
import { connected } from '../testing/connected.ts';
import { delivered, delivery, failed, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, startProjector, type TestProjector } from '../testing/projector.ts';
import { pageStatement, placeStatement, typesStatement } from './list-statements.ts';

const { FAILED, DELIVERED, SKIPPED } = DeliveryStatus;
const TENANT = 'many-ways';
const TYPES = ['crawl.page', 'crawl.failed', 'crawl.done', 'crawl.begun', 'crawl.paused', 'crawl.late', 'map.failed'];
const now = systemClock.now();
const facts = Array.from({ length: 180 }, (_, n) => ({
  isFailed: n % 4 === 0,
  made: delivery(n, {
    ...{ tenant: TENANT, webhookId: webhook(n % 2), eventType: TYPES[n % TYPES.length] as string },
    // Some in the newest days, some in the week before, more in the two weeks before that.
    createdAt: now - Math.ceil((n % 25) ** 1.2 / 2.5) * DAY_MS - n * 1_000,
  }),
}));

const stack = new AsyncDisposableStack();
let projector: TestProjector;
let databaseUrl: string;

beforeAll(async () => {
  const line = stack.use(await Line.start());
  const database = stack.use(await freshDatabase());
  databaseUrl = database.url;
  projector = stack.use(await startProjector(line, databaseUrl));
  await line.outcomes(facts.map(({ made, isFailed }) => (isFailed ? failed(made, { last: true }) : delivered(made))));
  await projector.settled();
});
afterAll(() => stack.disposeAsync());

type ListRequest = Parameters<TestProjector['query']['listDeliveries']>[0] & { readonly statuses: DeliveryStatus[] };

async function list(request: ListRequest): Promise<string[]> {
  const { deliveries, nextPageToken: pageToken } = await projector.query.listDeliveries(request, as(TENANT));
  const ids = deliveries.map(({ id }) => id);
  return pageToken === '' ? ids : [...ids, ...(await list({ ...request, offset: 0, pageToken }))];
}

const isOf = (wanted: string, type: string): boolean =>
  wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;

/** From one branch to more than are merged. */
const questions = ['', webhook(0)].flatMap((webhookId) =>
  [[], ['crawl.page'], ['map.*'], ['crawl.page', 'map.failed'], ['crawl.*', 'crawl.page'], ['scrape.*']].flatMap(
    (eventTypes) =>
      [[], [FAILED], [FAILED, SKIPPED], [DELIVERED, FAILED, SKIPPED]].map((statuses) => ({
        ...{ webhookId, eventTypes, statuses },
      })),
  ),
);

describe('a list', () => {
  it.each(questions)(
    'is the same in whichever way its pages are read: $webhookId $eventTypes $statuses',
    async (question) => {
      const { webhookId, eventTypes, statuses } = question;
      const expected = facts
        .filter(({ made }) => webhookId === '' || made.webhookId === webhookId)
        .filter(({ made }) => eventTypes.length === 0 || eventTypes.some((type) => isOf(type, made.eventType)))
        .filter(({ isFailed }) => statuses.length === 0 || statuses.includes(isFailed ? FAILED : DELIVERED))
        .toSorted((a, b) => b.made.createdAt - a.made.createdAt)
        .map(({ made }) => made.id);
      for (const pageSize of [8, 50, 1_000]) expect(await list({ ...question, pageSize })).toEqual(expected);
      expect(await list({ ...question, offset: 3, pageSize: 20 })).toEqual(expected.slice(3));
      expect(await list({ ...question, offset: 600 })).toEqual([]);
    },
  );
});

const SCOPES = ['tenant', 'webhook'] as const;
const READINGS = ['single', 'merged', 'sorted'] as const;
const statements = SCOPES.flatMap((scope) =>
  [true, false].flatMap((byType) => {
    const shape = { scope, byType };
    const each = READINGS.flatMap((reading) => [pageStatement(shape, reading), placeStatement(shape, reading)]);
    const all = byType ? [...each, pageStatement(shape, 'placed'), typesStatement(scope)] : each;
    return all.map(({ name, text }) => ({ name, text, byType }));
  }),
);

/** What fits each of their parameters. */
const VALUES = {
  types: [`0`, `${Number.MAX_SAFE_INTEGER}`, `'{crawl.}'`, `'x'`],
  others: [`0`, `${Number.MAX_SAFE_INTEGER}`, `${Number.MAX_SAFE_INTEGER}`, `''`, `'{}'`, `10`, `'x'`, `'{}'`, `'x'`],
};

/** The indexes that a plan for any values begins to read at, by what their names in partitions have in common. */
async function indexesRead(client: Client, { name, text }: { name: string; text: string }): Promise<string[]> {
  const count = Math.max(...Array.from(text.matchAll(/\$(\d)/g), ([, n]) => Number(n)));
  const values = VALUES[name.startsWith('types') ? 'types' : 'others'].slice(0, count);
  await client.query(`PREPARE "${name}" AS ${text}`);
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE "${name}"(${values.join(', ')})`,
  );
  const lines = rows.map((row) => row['QUERY PLAN']);
  expect(lines.filter((line) => line.includes('Seq Scan'))).toEqual([]);
  const names = lines.flatMap(
    (line) => /using deliveries_\d{8}_(\w+?)(_created_at(_id)?_idx)? on/.exec(line)?.[1] ?? [],
  );
  return [...new Set(names)].toSorted();
}

describe('a plan for any values', () => {
  it('is not tempted by the indexes without types where a type is asked for, nor the other way round', () =>
    connected(databaseUrl, async (client) => {
      await client.query('SET plan_cache_mode = force_generic_plan');
      // Tables are small here: without these, Postgres would read them whole.
      await client.query('SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off');
      for (const statement of statements) {
        const owner = statement.name.includes('webhook') ? 'webhook_id' : 'tenant';
        const wanted = `${owner}${statement.byType ? '_event_type' : ''}_status`;
        const read = await indexesRead(client, statement);
        expect({ [statement.name]: read }).toEqual({
          [statement.name]: [...(statement.name.endsWith('placed') ? ['pkey'] : []), wanted],
        });
      }
    }));
});
