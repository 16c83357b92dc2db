import { DeliveryStatus } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { systemClock } from '@grapnel/runtime/clock';
import { freshDatabase } from '@grapnel/testkit/infra';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../project/days.ts';
import { delivered, delivery, failed, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, startProjector, type TestProjector } from '../testing/projector.ts';

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

beforeAll(async () => {
  const line = stack.use(await Line.start());
  const database = stack.use(await freshDatabase());
  projector = stack.use(await startProjector(line, database.url));
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
