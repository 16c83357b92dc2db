import { decodeTotals, encodeTotals } from '@grapnel/contracts/totals-codec';
import { systemClock } from '@grapnel/runtime/clock';
import { eventually } from '@grapnel/testkit/eventually';
import { type FreshDatabase, freshDatabase } from '@grapnel/testkit/infra';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, dayOf } from '../project/days.ts';
import { delivered, failed, replayRequested, story, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, dump, startProjector, type TestProjector } from '../testing/projector.ts';

const env = { GRAPNEL_HISTORY_DAYS: '3' };
const today = dayOf(Date.now());
const tomorrow = { ...systemClock, now: () => Date.now() + DAY_MS };
const OLD = webhook(5);
const RECENT = webhook(6);

let line: Line;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  line = stack.use(await Line.start());
});
afterEach(() => stack.disposeAsync());

/** Deliveries of the oldest day that is kept, and of yesterday. */
const old = Array.from({ length: 16 }, (_, n) => story(n, { webhookId: OLD, createdAt: today - 2 * DAY_MS + n }));
const recent = Array.from({ length: 16 }, (_, n) =>
  story(n + 50, { webhookId: RECENT, createdAt: today - DAY_MS + n }),
);

async function tell(stories: typeof old): Promise<void> {
  await line.deliveries(stories.map((s) => s.delivery));
  await line.outcomes(stories.flatMap((s) => s.outcomes));
}

const fresh = async (): Promise<FreshDatabase> => stack.use(await freshDatabase());
const start = (database: FreshDatabase, options = {}): Promise<TestProjector> =>
  startProjector(line, database.url, { env, ...options });

/** What TOTALS says of a webhook. */
async function published(id = OLD) {
  const message = await line.open.streams.lastOn(line.names.streams.totals, line.names.subjects.totals(id));
  return message === null ? null : { ...decodeTotals(message), position: message.sequence };
}

const countOf = async (id = OLD): Promise<number> =>
  ((await published(id))?.days ?? []).reduce((sum, day) => sum + day.delivered + day.failed, 0);

/** As age would, but now. */
async function outcomesAgeOut(id = OLD): Promise<void> {
  const { streams } = line.open;
  await streams.purge(line.names.streams.outcomes, line.names.subjects.outcome(id));
  await streams.purge(line.names.streams.deliveries, line.names.subjects.delivery(id));
}

async function until(database: FreshDatabase, deliveries: number): Promise<Record<string, string[]>> {
  await eventually(async () => expect((await dump(database.url))['deliveries']).toHaveLength(deliveries));
  return dump(database.url);
}

describe('the totals of webhooks', () => {
  it('outlive their outcomes: a rebuild makes the same rows and statistics without them', async () => {
    const database = await fresh();
    {
      await using first = await start(database);
      await tell([...old, ...recent]);
      await first.settled();
    }
    {
      await using second = await start(database, { clock: tomorrow });
      const before = await until(database, 16);
      const asked = { webhookIds: [OLD, RECENT] };
      const { statistics } = await second.query.getWebhookStatistics(asked, as('acme'));
      expect(statistics.find(({ webhookId }) => webhookId === OLD)?.totalDeliveries).toBeGreaterThan(5n);
      await outcomesAgeOut();

      for await (const { finished } of second.projection.rebuild({})) if (finished) break;
      await eventually(async () => expect(await dump(database.url)).toEqual(before));
      expect((await second.query.getWebhookStatistics(asked, as('acme'))).statistics).toEqual(statistics);
    }
    const before = await dump(database.url);
    const empty = await fresh();
    await using third = await start(empty, { clock: tomorrow });
    await third.settled();
    await eventually(async () => expect(await dump(empty.url)).toEqual(before));
  });

  it('are published before the day goes that they contain', async () => {
    const database = await fresh();
    {
      await using first = await start(database);
      await tell(old);
      await first.settled();
    }
    {
      // Its maintenance comes when what there was is projected, which now is everything.
      await using second = await start(database);
      await eventually(async () => expect(await countOf()).toBeGreaterThan(5));
      await second.settled();
    }
    expect((await dump(database.url))['deliveries']).toHaveLength(16);
    // Postgres is lost before the day was dropped, and its outcomes before the rebuild.
    await outcomesAgeOut();
    const count = await countOf();
    const empty = await fresh();
    await using third = await start(empty, { clock: tomorrow });
    await third.settled();
    const { statistics } = await third.query.getWebhookStatistics({ webhookIds: [OLD] }, as('acme'));
    expect(Number(statistics[0]?.totalDeliveries)).toBe(count);
  });

  it('count each outcome once, whether they contain it or it came later', async () => {
    const database = await fresh();
    {
      await using first = await start(database);
      await tell([...old, ...recent]);
      await first.settled();
    }
    {
      await using second = await start(database);
      await eventually(async () => expect(await countOf()).toBeGreaterThan(5));
      const [again] = old;
      if (again === undefined) throw new Error('unreachable');
      await line.outcomes([
        replayRequested(again.delivery, 77),
        failed(again.delivery, { round: 77, number: 1 }),
        delivered(again.delivery, 77, 2),
      ]);
      await second.settled();
    }
    const before = await dump(database.url);
    const empty = await fresh();
    {
      await using third = await start(empty);
      await third.settled();
      expect(await dump(empty.url)).toEqual(before);
    }
    // And in a read model that is rebuilt where it stands.
    await using fourth = await start(database);
    await fourth.settled();
    for await (const { finished } of fourth.projection.rebuild({})) if (finished) break;
    expect(await dump(database.url)).toEqual(before);
  });

  it('stay as they are when an older backup knows less', async () => {
    const database = await fresh();
    {
      await using first = await start(database);
      await tell(old);
      await first.settled();
    }
    {
      await using second = await start(database, { clock: tomorrow });
      await until(database, 0);
      await second.settled();
    }
    {
      await using third = await start(database, { clock: tomorrow });
      await eventually(async () => expect((await published())?.days.map(({ day }) => day)).toEqual([-1]));
      await third.settled();
    }
    const settled = await published();
    if (settled === null) throw new Error('unreachable');
    const { position, ...totals } = settled;
    const more = { ...totals, days: totals.days.map((day) => ({ ...day, delivered: day.delivered + 10 })) };
    await line.publish([encodeTotals(more, position, line.names)]);
    await using fourth = await start(database, { clock: tomorrow });
    await tell(recent);
    await fourth.settled();
    expect((await published())?.days).toEqual(more.days);
  });

  it('AC-07 go with their webhook', async () => {
    const database = await fresh();
    {
      await using first = await start(database);
      await tell(old);
      await first.settled();
    }
    await using second = await start(database);
    await eventually(async () => expect(await published()).not.toBeNull());
    await line.deleteWebhook('acme', OLD);
    await eventually(async () => expect(await published()).toBeNull());
    await second.settled();
    const empty = await fresh();
    await using third = await start(empty);
    await third.settled();
    expect((await dump(empty.url))['webhook_statistics']).toEqual([]);
  });

  it('that cannot be read are passed over', async () => {
    const subject = line.names.subjects.totals(OLD);
    await line.publish([{ subject, body: Buffer.from('{"days":1}'), headers: {} }]);
    const database = await fresh();
    await using projector = await start(database);
    await tell(recent);
    await projector.settled();
    expect((await dump(database.url))['deliveries']).toHaveLength(16);
  });
});
