import { Code } from '@grapnel/rpc/errors';
import { eventually } from '@grapnel/testkit/eventually';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { delivered, delivery, failed, webhook } from '../testing/facts.ts';
import { Line } from '../testing/line.ts';
import { as, startProjector, type TestProjector } from '../testing/projector.ts';
import { MAX_SUBSCRIBERS } from './tail.ts';

let line: Line;
let projector: TestProjector;
let stack: AsyncDisposableStack;
let over: AbortController;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  over = new AbortController();
  line = stack.use(await Line.start());
  // The tail needs no database: there is none.
  projector = stack.use(await startProjector(line, 'postgres://nobody:nothing@127.0.0.1:1/none'));
  stack.defer(() => over.abort());
});
afterEach(() => stack.disposeAsync());

type Request = Parameters<TestProjector['query']['tailDeliveries']>[0];

/** Collects what a subscriber gets. */
function follow(request: Request, tenant = 'acme') {
  const seen: { cursor: bigint; id: string; status: number }[] = [];
  const failure = { error: null as unknown };
  void (async () => {
    const stream = projector.query.tailDeliveries(request, { ...as(tenant), signal: over.signal });
    for await (const { cursor, delivery: shown } of stream)
      seen.push({ cursor, id: shown?.id ?? '', status: shown?.status ?? 0 });
  })().catch((error: unknown) => {
    failure.error = error;
  });
  return { seen, failure };
}

describe('TailDeliveries', () => {
  it('goes on after a cursor, for one tenant, of one webhook or all', async () => {
    const [a, b] = [delivery(1), delivery(2, { webhookId: webhook(2) })];
    const foreign = delivery(3, { tenant: 'other', webhookId: webhook(3) });
    await line.outcomes([failed(a)]);
    await line.outcomes([delivered(foreign)]);
    await line.outcomes([delivered(b)]);
    const all = follow({ afterCursor: 1n });
    const one = follow({ afterCursor: 1n, webhookId: webhook(2) });
    const stranger = follow({ afterCursor: 1n, webhookId: webhook(2) }, 'other');
    await eventually(() => expect(all.seen).toEqual([{ cursor: 3n, id: b.id, status: 3 }]));
    await line.outcomes([delivered(a, 0, 2)]);
    await line.outcomes([delivered(b, 5, 1)]);
    await eventually(() => expect(all.seen.map(({ cursor }) => cursor)).toEqual([3n, 4n, 5n]));
    await eventually(() => expect(one.seen.map(({ cursor }) => cursor)).toEqual([3n, 5n]));
    expect(stranger.seen).toEqual([]);
  });

  it('begins with what comes from now on, also for a cursor of another stream', async () => {
    await line.outcomes([failed(delivery(1))]);
    const now = follow({});
    const lost = follow({ afterCursor: 1_000n });
    const probe = (n: number) => line.outcomes([delivered(delivery(n))]);
    let n = 10;
    await eventually(async () => {
      await probe(n++);
      expect(now.seen.length).toBeGreaterThan(0);
      expect(lost.seen.length).toBeGreaterThan(0);
    });
    expect(now.seen.every(({ cursor }) => cursor > 1n)).toBe(true);
    expect(lost.seen.every(({ cursor }) => cursor > 1n)).toBe(true);
  });

  it('has room for a bounded number of subscribers', async () => {
    await line.outcomes([delivered(delivery(1)), delivered(delivery(2))]);
    const many = Array.from({ length: MAX_SUBSCRIBERS }, () => follow({ afterCursor: 1n }));
    await eventually(() => expect(many.every(({ seen }) => seen.length === 1)).toBe(true), { timeoutMs: 15_000 });
    const refused = follow({ afterCursor: 1n });
    await eventually(() => expect(refused.failure.error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED }));
    over.abort();
    over = new AbortController();
    await eventually(async () => {
      const again = follow({ afterCursor: 1n });
      await eventually(() => expect(again.seen).toHaveLength(1), { timeoutMs: 500 });
    });
  });

  it('refuses what is not a webhook id', async () => {
    const wrong = follow({ webhookId: 'nonsense' });
    await eventually(() =>
      expect(wrong.failure.error).toMatchObject({ details: { violations: [{ field: 'webhook_id' }] } }),
    );
  });
});
