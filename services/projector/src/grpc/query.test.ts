import { setTimeout as sleep } from 'node:timers/promises';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { DirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { openChannel } from '@grapnel/rpc/client';
import { Code } from '@grapnel/rpc/errors';
import { register, startRpcServer } from '@grapnel/rpc/server';
import { silentLogger } from '@grapnel/runtime/logger';
import { eventually } from '@grapnel/testkit/eventually';
import { type FreshDatabase, freshDatabase } from '@grapnel/testkit/infra';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { delivered, delivery, failed, story, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, SERVICE_TOKEN, startProjector, type TestProjector } from '../testing/projector.ts';

let line: Line;
let database: FreshDatabase;
let projector: TestProjector;
const stack = new AsyncDisposableStack();
const base = Date.now() - 3 * 86_400_000;
/** 80 deliveries of acme's two webhooks, five in each moment, and one of another tenant. */
const stories = Array.from({ length: 80 }, (_, n) =>
  story(n, { webhookId: webhook(n % 2), createdAt: base + Math.floor(n / 5) * 3_600_000 }),
);
const foreign = delivery(900, { tenant: 'other', webhookId: webhook(9), createdAt: base });

beforeAll(async () => {
  line = stack.use(await Line.start());
  database = stack.use(await freshDatabase());
  projector = stack.use(await startProjector(line, database.url, { env: { SUBSCRIPTION_GRPC: await keyServer() } }));
  await line.deliveries([...stories.map((s) => s.delivery), foreign]);
  await line.outcomes([...stories.flatMap((s) => s.outcomes), delivered(foreign)]);
  await projector.settled();
});
afterAll(() => stack.disposeAsync());

/** A subscription service that knows one key. */
async function keyServer(): Promise<string> {
  const directory = register(DirectoryService, 'service', {
    async *watchEndpoints() {},
    async *watchApiKeys(_request, { signal }) {
      const keyHash = Buffer.from(hashApiKey('acme-key-0123456789'), 'hex');
      yield { change: { case: 'changed' as const, value: { keyHash, tenant: 'acme', active: true } } };
      yield { change: { case: 'snapshotDone' as const, value: { revision: 1n } } };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  const server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    authenticate: authenticator(SERVICE_TOKEN, noTenants),
    services: [directory],
  });
  stack.use(server);
  return server.address;
}

const newestFirst = stories
  .map((s) => s.delivery)
  .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));

type ListRequest = Parameters<TestProjector['query']['listDeliveries']>[0];

async function pages(request: ListRequest, tenant = 'acme'): Promise<string[][]> {
  const found: string[][] = [];
  let pageToken = '';
  do {
    const page = await projector.query.listDeliveries({ ...request, pageToken }, as(tenant));
    found.push(page.deliveries.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

describe('ListDeliveries', () => {
  it('AC-11 pages through all, newest first, each once, also where many share a moment', async () => {
    const found = await pages({ pageSize: 7 });
    expect(found.flat()).toEqual(newestFirst.map(({ id }) => id));
    expect(found.map((page) => page.length)).toEqual([...Array.from({ length: 11 }, () => 7), 3]);
    expect((await pages({ pageSize: 80 })).length).toBe(1);
  });

  it('AC-11 filters by webhook, status and time, from inclusive and to exclusive', async () => {
    const mine = newestFirst.filter(({ webhookId }) => webhookId === webhook(1));
    expect((await pages({ webhookId: webhook(1), pageSize: 9 })).flat()).toEqual(mine.map(({ id }) => id));

    const status = await pages({ statuses: [DeliveryStatus.FAILED, DeliveryStatus.SKIPPED], pageSize: 6 });
    const ended = new Set(stories.filter((_, n) => [3, 5, 7].includes(n % 8)).map((s) => s.delivery.id));
    expect(status.flat()).toEqual(newestFirst.map(({ id }) => id).filter((id) => ended.has(id)));

    const skipped = await pages({ statuses: [DeliveryStatus.SKIPPED], webhookId: webhook(1) });
    expect(skipped.flat()).toHaveLength(10);

    const [from, to] = [base + 3 * 3_600_000, base + 6 * 3_600_000];
    const some = await pages({ from: timestampFromMs(from), to: timestampFromMs(to), pageSize: 4 });
    const expected = newestFirst.filter(({ createdAt }) => createdAt >= from && createdAt < to);
    expect(some.flat()).toEqual(expected.map(({ id }) => id));
    expect(some.flat()).toHaveLength(15);
  });

  it('AC-13 filters by event type and family', async () => {
    const tenant = 'typed';
    const types = ['crawl.page', 'crawl.failed', 'batch_scrape.page', 'batchXscrape.page', 'crawler.page'];
    const made = types.map((eventType, n) => delivery(3_000 + n, { tenant, webhookId: webhook(30), eventType }));
    await line.outcomes(made.map((d) => failed(d)));
    await projector.settled();
    const of = async (...eventTypes: string[]) => (await pages({ eventTypes, pageSize: 1 }, tenant)).flat().toSorted();
    const ids = (...wanted: number[]) => wanted.flatMap((n) => made[n]?.id ?? []).toSorted();
    expect(await of('crawl.page')).toEqual(ids(0));
    expect(await of('crawl.*')).toEqual(ids(0, 1));
    expect(await of('batch_scrape.*', 'crawler.page')).toEqual(ids(2, 4));
    expect(await of('map.*')).toEqual([]);
  });

  it('filters by everything at once, over days', async () => {
    const tenant = 'narrow';
    const types = ['crawl.page', 'crawl.failed', 'map.failed'];
    const made = Array.from({ length: 60 }, (_, n) =>
      delivery(4_000 + n, {
        ...{ tenant, webhookId: webhook(40 + (n % 2)), eventType: types[n % 3] as string },
        createdAt: Date.now() - (n % 12) * 86_400_000 - n,
      }),
    );
    const isFailed = (n: number): boolean => n % 5 === 0;
    await line.outcomes(made.map((d, n) => (isFailed(n) ? failed(d, { last: true }) : delivered(d))));
    await projector.settled();
    const [from, to] = [made[11]?.createdAt ?? 0, made[1]?.createdAt ?? 0];
    const expected = made
      .filter((_, n) => isFailed(n) && n % 2 === 0 && n % 3 !== 2)
      .filter(({ createdAt }) => createdAt >= from && createdAt < to)
      .toSorted((a, b) => b.createdAt - a.createdAt);
    const request = {
      ...{ webhookId: webhook(40), statuses: [DeliveryStatus.FAILED], eventTypes: ['crawl.*'] },
      ...{ from: timestampFromMs(from), to: timestampFromMs(to) },
    };
    const found = await pages({ ...request, pageSize: 1 }, tenant);
    expect(found.flat()).toEqual(expected.map(({ id }) => id));
    expect(found.length).toBeGreaterThan(1);
    const second = await projector.query.listDeliveries({ ...request, pageSize: 1, offset: 1 }, as(tenant));
    expect(second.deliveries.map(({ id }) => id)).toEqual([expected[1]?.id]);
  });

  it('AC-11 shows nothing of a webhook of another tenant, on whichever way it is asked for', async () => {
    const request = { webhookId: webhook(9) };
    expect(await pages(request, 'other')).toEqual([[foreign.id]]);
    for (const more of [{}, { offset: 1 }, { eventTypes: ['crawl.*'] }, { eventTypes: ['crawl.page'], offset: 1 }]) {
      const page = await projector.query.listDeliveries({ ...request, ...more }, as('acme'));
      expect(page.deliveries).toEqual([]);
    }
  });

  it('AC-11 takes an offset as well', async () => {
    const page = await projector.query.listDeliveries({ pageSize: 10, offset: 35 }, as('acme'));
    expect(page.deliveries.map(({ id }) => id)).toEqual(newestFirst.slice(35, 45).map(({ id }) => id));
    const rest = await projector.query.listDeliveries({ pageSize: 10, pageToken: page.nextPageToken }, as('acme'));
    expect(rest.deliveries.map(({ id }) => id)).toEqual(newestFirst.slice(45, 55).map(({ id }) => id));
  });

  it('a cursor stays where it is while deliveries are added', async () => {
    const tenant = 'moving';
    const early = Array.from({ length: 10 }, (_, n) => delivery(1_000 + n, { tenant, webhookId: webhook(20) }));
    await line.outcomes(early.map((d) => failed(d)));
    await projector.settled();
    const first = await projector.query.listDeliveries({ pageSize: 4 }, as(tenant));
    const later = Array.from({ length: 10 }, (_, n) => delivery(2_000 + n, { tenant, webhookId: webhook(20) }));
    await line.outcomes(later.map((d) => failed(d)));
    await projector.settled();
    const { deliveries } = await projector.query.listDeliveries(
      { pageSize: 100, pageToken: first.nextPageToken },
      as(tenant),
    );
    const all = [...first.deliveries, ...deliveries].map(({ id }) => id);
    expect(all).toEqual(early.toReversed().map(({ id }) => id));
  });

  it.each<[string, ListRequest, string]>([
    ['a page that is too large', { pageSize: 1_001 }, 'page_size'],
    ['an offset that is too large', { offset: 100_001 }, 'offset'],
    ['an unknown status', { statuses: [DeliveryStatus.FAILED, 9 as DeliveryStatus] }, 'statuses[1]'],
    ['a status without meaning', { statuses: [DeliveryStatus.UNSPECIFIED] }, 'statuses[0]'],
    ['something else than an event type', { eventTypes: ['crawl.page', 'crawl%'] }, 'event_types[1]'],
    ['something else than a webhook id', { webhookId: "wh_' OR true --" }, 'webhook_id'],
    ['a token that is not one', { pageToken: 'bm90IG91cnM' }, 'page_token'],
    ['a period that ends before it begins', { from: timestampFromMs(2_000), to: timestampFromMs(1_000) }, 'to'],
    ['a time beyond all calendars', { from: { seconds: 2n ** 60n, nanos: 0 } }, 'from'],
  ])('refuses %s and names the field', async (_, request, field) => {
    const call = projector.query.listDeliveries(request, as('acme'));
    await expect(call).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details: { violations: [{ field }] } });
  });

  it('refuses a token of another list, another tenant, or with an offset', async () => {
    const { nextPageToken: pageToken } = await projector.query.listDeliveries({ pageSize: 5 }, as('acme'));
    const refused = { code: Code.INVALID_ARGUMENT, details: { violations: [{ field: 'page_token' }] } };
    const { query } = projector;
    await expect(query.listDeliveries({ pageToken, webhookId: webhook(1) }, as('acme'))).rejects.toMatchObject(refused);
    await expect(query.listDeliveries({ pageToken, statuses: [2] }, as('acme'))).rejects.toMatchObject(refused);
    await expect(query.listDeliveries({ pageToken }, as('other'))).rejects.toMatchObject(refused);
    await expect(query.listDeliveries({ pageToken, offset: 1 }, as('acme'))).rejects.toMatchObject({
      details: { violations: [{ field: 'offset' }] },
    });
  });
});

describe('every answer is of one tenant', () => {
  it('AC-01 another tenant sees nothing', async () => {
    const { query } = projector;
    expect((await pages({}, 'nobody')).flat()).toEqual([]);
    expect((await pages({}, 'other')).flat()).toEqual([foreign.id]);
    expect((await pages({ webhookId: webhook(1) }, 'other')).flat()).toEqual([]);
    const one = newestFirst[0]?.id ?? '';
    await expect(query.getDelivery({ deliveryId: one }, as('other'))).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      message: 'Delivery not found',
    });
    expect((await query.getWebhookStatistics({ webhookIds: [webhook(1)] }, as('other'))).statistics).toEqual([]);
    expect((await query.getHourlyStatistics({ webhookId: webhook(1) }, as('other'))).hours).toEqual([]);
  });

  it('AC-01 an API key opens its own tenant, and nothing of ours', async () => {
    using channel = openChannel({ address: projector.address, token: 'acme-key-0123456789' });
    const query = channel.client(QueryService);
    await eventually(async () => expect((await query.listDeliveries({ pageSize: 3 })).deliveries).toHaveLength(3));
    const sneaky = { metadata: { 'grapnel-tenant': 'other' } };
    expect((await query.listDeliveries({ pageSize: 1_000 }, sneaky)).deliveries).toHaveLength(80);
    const ready = await (await fetch(`${projector.ops}/readyz`)).json();
    expect(ready).toEqual({ status: 'ready' });
  });

  it('finds a delivery by webhook and id', async () => {
    const one = newestFirst[0];
    if (one === undefined) throw new Error('unreachable');
    const { query } = projector;
    const found = await query.getDelivery({ deliveryId: one.id, webhookId: one.webhookId }, as('acme'));
    expect(found.delivery?.id).toBe(one.id);
    const other = { deliveryId: one.id, webhookId: webhook(9) };
    await expect(query.getDelivery(other, as('acme'))).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await expect(query.getDelivery({ deliveryId: 'x' }, as('acme'))).rejects.toMatchObject({
      details: { violations: [{ field: 'delivery_id' }] },
    });
  });

  it('refuses too many webhooks, and hours without bound', async () => {
    const { query } = projector;
    const webhookIds = Array.from({ length: 1_001 }, () => webhook(1));
    await expect(query.getWebhookStatistics({ webhookIds }, as('acme'))).rejects.toMatchObject({
      details: { violations: [{ field: 'webhook_ids' }] },
    });
    const from = timestampFromMs(base - 60 * 86_400_000);
    await expect(query.getHourlyStatistics({ from }, as('acme'))).rejects.toMatchObject({
      details: { violations: [{ field: 'from' }] },
    });
  });
});

it('answers a tenant though another asks more than the database can answer', async () => {
  // Every connection is made, and has its plans.
  const warm = Array.from({ length: 100 }, (_, n) => projector.query.listDeliveries({}, as(n % 2 ? 'acme' : 'other')));
  await Promise.all(warm);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE history.deliveries IN ACCESS EXCLUSIVE MODE');
  const answered: string[] = [];
  const ask = (tenant: string) => projector.query.listDeliveries({}, as(tenant)).then(() => void answered.push(tenant));
  const all = Array.from({ length: 300 }, () => ask('acme'));
  all.push(ask('other'));
  // All of them have come by then; nothing outside tells.
  await sleep(2_000);
  await client.end();
  await Promise.all(all);
  // With those that were at work beside it, and a few that came after them.
  expect(answered.indexOf('other')).toBeLessThan(100);
});
