import { type FreshDatabase, freshDatabase } from '@grapnel/testkit/infra';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  delivered,
  delivery,
  failed,
  replayRequested,
  seeded,
  shuffled,
  skipped,
  story,
  webhook,
} from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, dump, run, startProjector, type TestProjector } from '../testing/projector.ts';

let line: Line;
let database: FreshDatabase;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  line = stack.use(await Line.start());
  database = stack.use(await freshDatabase());
});
afterEach(() => stack.disposeAsync());

const start = async (options = {}): Promise<TestProjector> =>
  stack.use(await startProjector(line, database.url, options));

describe('the projection', () => {
  it('AC-12 keeps every attempt of a delivery and shows where it stands', async () => {
    const projector = await start();
    const one = delivery(1);
    await line.deliveries([one]);
    await line.outcomes([failed(one), delivered(one, 0, 2)]);
    await projector.settled();
    const found = await projector.query.getDelivery({ deliveryId: one.id }, as('acme'));
    expect(found.delivery).toMatchObject({
      id: one.id,
      webhookId: one.webhookId,
      eventId: 'evt-1',
      status: 3,
      attemptNumber: 2,
      requestUrl: 'https://a.example/hook',
      requestMethod: 'POST',
      responseStatus: 200,
      responseDurationMs: 15,
      errorCode: '',
      bodyBytes: 2,
    });
    expect(found.attempts.map((a) => [Number(a.round), a.number, a.responseStatus, a.succeeded])).toEqual([
      [0, 1, 500, false],
      [0, 2, 200, true],
    ]);
    expect(found.attempts[0]).toMatchObject({
      requestHeaders: { 'Content-Type': 'application/json' },
      responseHeaders: { server: 'x' },
      responseBody: 'answer',
      errorCode: 'HTTP_500',
      remoteAddress: '203.0.113.7',
    });
    expect(found.attempts[0]?.nextAttemptAt).toBeDefined();
  });

  it('shows pending, skipped and replayed deliveries as what they are', async () => {
    const projector = await start();
    const [waiting, passed, replayed] = [delivery(1), delivery(2), delivery(3)] as const;
    await line.deliveries([waiting, passed, replayed]);
    await line.outcomes([failed(passed), skipped(passed, 0, 2), delivered(replayed), replayRequested(replayed, 99)]);
    await projector.settled();
    const get = async (id: string) => (await projector.query.getDelivery({ deliveryId: id }, as('acme'))).delivery;
    expect(await get(waiting.id)).toMatchObject({ status: 1, attemptNumber: 0, requestUrl: '' });
    expect(await get(passed.id)).toMatchObject({
      status: 5,
      attemptNumber: 1,
      skipReason: 'webhook_auto_disabled',
      responseStatus: 500,
    });
    const again = await get(replayed.id);
    expect(again).toMatchObject({ status: 1, attemptNumber: 0, requestUrl: '' });
    expect(again?.responseStatus).toBeUndefined();
    expect(again?.deliveredAt).toBeUndefined();
  });

  it('shows every reason for which a delivery is skipped', async () => {
    const projector = await start();
    const reasons = ['webhook_deactivated', 'webhook_auto_disabled', 'message_expired', 'not_renderable'] as const;
    await line.outcomes(reasons.map((reason, n) => ({ ...skipped(delivery(n)), reason })));
    await projector.settled();
    for (const [n, reason] of reasons.entries()) {
      const found = await projector.query.getDelivery({ deliveryId: delivery(n).id }, as('acme'));
      expect(found.delivery).toMatchObject({ status: 5, skipReason: reason });
    }
  });

  it('AC-10 counts each end of a delivery once, and tests never', async () => {
    const projector = await start();
    const [a, b, c, test] = [delivery(1), delivery(2), delivery(3), delivery(4, { test: true })] as const;
    await line.outcomes([
      ...[delivered(a), failed(b), failed(b, { number: 2, last: true }), replayRequested(b, 50), delivered(b, 50, 1)],
      ...[skipped(c), failed(test, { last: true }), delivered(delivery(5, { test: true }))],
    ]);
    await line.outcomesAgain([delivered(a), failed(b, { number: 2, last: true })]);
    await projector.settled();
    const { statistics } = await projector.query.getWebhookStatistics({ webhookIds: [webhook(1)] }, as('acme'));
    expect(statistics).toHaveLength(1);
    expect(statistics[0]).toMatchObject({ totalDeliveries: 2n, successfulDeliveries: 2n, failedDeliveries: 0n });
    const { hours } = await projector.query.getHourlyStatistics({ webhookId: webhook(1) }, as('acme'));
    const sum = (of: (hour: (typeof hours)[number]) => bigint): bigint => hours.reduce((n, hour) => n + of(hour), 0n);
    expect([
      sum((h) => h.delivered),
      sum((h) => h.failed),
      sum((h) => h.attempts),
      sum((h) => h.failedAttempts),
    ]).toEqual([...[2n, 1n, 4n, 2n]]);
    expect([sum((h) => h.responses), sum((h) => h.responseMsSum)]).toEqual([4n, 60n]);
  });

  it('AC-05 AC-13 counts a delivery once, as what became of it last, however often it is replayed', async () => {
    const projector = await start();
    const one = delivery(1);
    const totals = async (): Promise<unknown[]> => {
      await projector.settled();
      const { statistics } = await projector.query.getWebhookStatistics({ webhookIds: [webhook(1)] }, as('acme'));
      return statistics.map((s) => [s.totalDeliveries, s.successfulDeliveries, s.failedDeliveries]);
    };
    await line.outcomes([failed(one, { last: true }), delivered(delivery(2))]);
    expect(await totals()).toEqual([[2n, 1n, 1n]]);
    await line.outcomes([replayRequested(one, 50), failed(one, { round: 50, last: true })]);
    expect(await totals()).toEqual([[2n, 1n, 1n]]);
    // Two more rounds in one batch, and all of it once more.
    const rounds = [delivered(one, 60), failed(one, { round: 70, last: true }), delivered(one, 80)];
    await line.outcomes(rounds);
    expect(await totals()).toEqual([[2n, 2n, 0n]]);
    await line.outcomesAgain(rounds);
    expect(await totals()).toEqual([[2n, 2n, 0n]]);
  });

  it('passes over what cannot be read, and stores what Postgres has no letters for', async () => {
    const projector = await start();
    const one = delivery(1);
    const odd = delivered(delivery(2));
    const outcomes = line.names.subjects.outcome(webhook(1));
    const broken = [
      'not json',
      '{}',
      '{"kind":"delivered"}',
      JSON.stringify({ ...odd, turn: { round: 'x', attempt: 1 } }),
    ];
    await line.publish(broken.map((body) => ({ subject: outcomes, body: Buffer.from(body), headers: {} })));
    await line.publish([{ subject: line.names.subjects.delivery(webhook(1)), body: Buffer.from('x'), headers: {} }]);
    if (odd.kind !== 'delivered') throw new Error('unreachable');
    const response = { status: 200, headers: { a: 'b\0c' }, body: `\0${'x'.repeat(998)}\ud83d\ude00` };
    await line.outcomes([{ ...odd, attempt: { ...odd.attempt, response } }, delivered(one)]);
    await projector.settled();
    const found = await projector.query.getDelivery({ deliveryId: odd.delivery.id }, as('acme'));
    expect(found.attempts[0]?.responseBody).toBe(`\ufffd${'x'.repeat(998)}\ufffd`);
    expect(found.attempts[0]?.responseHeaders).toEqual({ a: 'b\ufffdc' });
    expect((await projector.query.getDelivery({ deliveryId: one.id }, as('acme'))).delivery?.status).toBe(3);
  });

  it('AC-07 forgets a deleted webhook, whatever else of it comes and when', async () => {
    const projector = await start();
    const gone = story(7, { webhookId: webhook(2) });
    const stays = story(3);
    await line.deliveries([gone.delivery, stays.delivery]);
    await line.outcomes([...gone.outcomes, ...stays.outcomes]);
    await projector.settled();
    expect((await dump(database.url))['attempts']).toHaveLength(6);
    await line.deleteWebhook('acme', webhook(2), { purge: false });
    await projector.settled();
    const late = story(15, { webhookId: webhook(2) });
    await line.deliveries([late.delivery]);
    await line.outcomes(late.outcomes);
    await projector.settled();
    const rows = await dump(database.url);
    expect(rows['deleted_webhooks']).toHaveLength(1);
    expect(rows['attempts']).toHaveLength(3);
    expect(JSON.stringify({ ...rows, deleted_webhooks: [] })).not.toContain(webhook(2));
  });

  it('two replicas: one projects, the other answers and takes over', async () => {
    const first = await startProjector(line, database.url);
    await first.settled();
    const second = await start();
    await line.outcomes([delivered(delivery(1))]);
    await second.settled();
    const lock = `SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
      WHERE locktype = 'advisory' AND datname = current_database()`;
    expect(await run(database.url, lock)).toHaveLength(1);
    await first[Symbol.asyncDispose]();
    await line.outcomes([delivered(delivery(2))]);
    await second.settled();
    expect((await dump(database.url))['deliveries']).toHaveLength(2);
  });
});

describe('in whatever order outcomes arrive', () => {
  const stories = Array.from({ length: 64 }, (_, n) => story(n, { webhookId: webhook(n % 3), test: n % 11 === 0 }));
  const outcomes = stories.flatMap((s) => s.outcomes);
  let expected: Record<string, string[]>;
  let base: AsyncDisposableStack;

  beforeAll(async () => {
    base = new AsyncDisposableStack();
    const inOrder = base.use(await Line.start());
    const target = base.use(await freshDatabase());
    const projector = base.use(await startProjector(inOrder, target.url));
    await inOrder.deliveries(stories.map((s) => s.delivery));
    await inOrder.outcomes(outcomes);
    await projector.settled();
    expected = neutral(await dump(target.url));
  });
  afterAll(() => base.disposeAsync());

  it.each([1, 2, 3, 4])('the rows are the same (seed %i)', async (seed) => {
    const random = seeded(seed);
    const projector = await start();
    const twice = shuffled([...outcomes, ...outcomes.filter(() => random() < 0.3)], random);
    const when = Math.floor(random() * twice.length);
    for (let at = 0; at < twice.length; ) {
      const size = 1 + Math.floor(random() * 40);
      await line.outcomesAgain(twice.slice(at, at + size));
      if (at <= when && when < at + size) await line.deliveries(stories.map((s) => s.delivery));
      if (random() < 0.3) await projector.settled();
      at += size;
    }
    await projector.settled();
    expect(neutral(await dump(database.url))).toEqual(expected);
  });

  /** Positions differ between two streams by nature. */
  function neutral(rows: Record<string, string[]>): Record<string, string[]> {
    const attempts = rows['attempts']?.map((row) => {
      const fields = row.split(',');
      return [...fields.slice(0, 4), ...fields.slice(5)].join(',');
    });
    return { ...rows, attempts: attempts?.toSorted() ?? [] };
  }
});
