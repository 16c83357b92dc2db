import { setImmediate } from 'node:timers/promises';
import { Code } from '@grapnel/rpc/errors';
import { eventually } from '@grapnel/testkit/eventually';
import { expect, it } from 'vitest';
import { json, startIngest } from '../ingest-fixture.ts';
import type { EventStore } from '../ports.ts';

/** Counts what the store has not answered, and can hold its answers back. */
class Gate {
  outstanding = 0;
  most = 0;
  open = Promise.resolve();

  around = (store: EventStore): EventStore => ({
    problem: () => store.problem(),
    publish: async (message) => {
      this.most = Math.max(this.most, ++this.outstanding);
      try {
        await this.open;
        return await store.publish(message);
      } finally {
        this.outstanding--;
      }
    },
  });
}

const event = (n: number, bytes = 10) => ({ id: `s-${n}`, type: 'crawl.page', data: json('x'.repeat(bytes)) });

it('acknowledges every event of a stream by its tag', async () => {
  await using ingest = await startIngest();
  const requests = async function* () {
    for (let n = 0; n < 2_000; n++) yield { tag: BigInt(n), event: event(n % 1_999) };
    yield { tag: 9_000n, event: { type: 'nope', data: json(1) } };
    yield { tag: 9_001n };
  };
  const acks = new Map<bigint, string>();
  for await (const { tag, result } of ingest.client.publishStream(requests())) {
    const outcome = result?.outcome;
    acks.set(
      tag,
      outcome?.case === 'error' ? String(outcome.value.fields[0]?.field) : String(outcome?.value?.duplicate),
    );
  }
  expect(acks.size).toBe(2_002);
  expect(await ingest.stored()).toBe(1_999);
  expect([...acks.values()].filter((said) => said === 'true')).toHaveLength(1);
  expect([acks.get(9_000n), acks.get(9_001n)]).toEqual(['type', 'event']);
});

it('reads no further than it can hold, so that the producer’s writing blocks', async () => {
  const gate = new Gate();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  gate.open = released;
  await using ingest = await startIngest({
    env: { INGEST_MAX_OUTSTANDING_EVENTS: '32' },
    overrides: { aroundStore: gate.around },
  });
  const total = 3_000;
  let written = 0;
  const requests = async function* () {
    for (; written < total; written++) yield { tag: BigInt(written), event: event(written, 2_000) };
  };
  const acks = ingest.client.publishStream(requests())[Symbol.asyncIterator]();
  const first = acks.next();
  // Three quarters of what may be under way: the rest is for other tenants.
  await eventually(() => gate.outstanding === 24);
  // Written grows until the buffers between are full, and then no more.
  let seen = -1;
  for (let still = 0; still < 200; still = written === seen ? still + 1 : 0) {
    seen = written;
    await setImmediate();
  }
  expect(written).toBeLessThan(total / 2);
  const busy = await ingest.client.publish({ event: event(-1) }).catch((error: unknown) => error);
  expect(busy).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  const { retryAfterMs } = (busy as { details: { retryAfterMs: number } }).details;
  expect(retryAfterMs).toBeGreaterThanOrEqual(100);
  expect(retryAfterMs).toBeLessThanOrEqual(1_000);
  const refused = await ingest.post({ type: 'crawl.page', data: 1 });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  const { results } = await ingest.client.publishBatch({ events: [event(-1), { type: 'x', data: json(1) }] });
  expect(results.map(({ outcome }) => outcome.case === 'error' && outcome.value.code)).toEqual([
    Code.RESOURCE_EXHAUSTED,
    Code.INVALID_ARGUMENT,
  ]);
  release();
  expect((await first).done).toBe(false);
  let acknowledged = 1;
  while ((await acks.next()).done !== true) acknowledged++;
  expect(acknowledged).toBe(total);
  expect(gate.most).toBe(24);
  expect(await ingest.stored()).toBe(total);
});

it('bounds the bytes under way, too', async () => {
  const gate = new Gate();
  await using ingest = await startIngest({
    env: { INGEST_MAX_OUTSTANDING_BYTES: '1048576' },
    overrides: { aroundStore: gate.around },
  });
  const requests = async function* () {
    for (let n = 0; n < 40; n++) yield { tag: BigInt(n), event: event(n, 300_000) };
  };
  let acknowledged = 0;
  for await (const { result } of ingest.client.publishStream(requests())) {
    if (result?.outcome.case === 'accepted') acknowledged++;
  }
  expect(acknowledged).toBe(40);
  expect(gate.most).toBeLessThanOrEqual(3);
});

it('stops in order: what was read is acknowledged, then the stream ends as UNAVAILABLE', async () => {
  const gate = new Gate();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  gate.open = released;
  await using ingest = await startIngest({ overrides: { aroundStore: gate.around } });
  const { promise: endless, resolve: end } = Promise.withResolvers<void>();
  const requests = async function* () {
    for (let n = 0; n < 100; n++) yield { tag: BigInt(n), event: event(n) };
    await endless;
  };
  const acks: bigint[] = [];
  const reading = (async () => {
    for await (const { tag } of ingest.client.publishStream(requests())) acks.push(tag);
  })().catch((error: unknown) => error);
  await eventually(() => gate.outstanding === 100);
  const stopping = ingest.stop();
  await eventually(async () => (await fetch(`${ingest.ops}/readyz`)).status === 503);
  release();
  expect(await reading).toMatchObject({ code: Code.UNAVAILABLE, details: { retryAfterMs: 100 } });
  end();
  await stopping;
  expect(acks).toHaveLength(100);
  expect(await ingest.stored()).toBe(100);
});

it('goes on when a producer hangs up in the middle', async () => {
  await using ingest = await startIngest();
  const requests = async function* () {
    for (let n = 0; ; n++) yield { tag: BigInt(n), event: event(n) };
  };
  const cut = new AbortController();
  const reading = (async () => {
    let acks = 0;
    for await (const _ of ingest.client.publishStream(requests(), { signal: cut.signal }))
      if (++acks === 50) cut.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.CANCELLED });
  expect(await ingest.client.publish({ event: event(-2) })).toMatchObject({ duplicate: false });
});
