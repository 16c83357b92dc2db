import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';
import { IngestService, type PublishBatchesRequest } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { Code, durationOf, RpcError } from '@grapnel/rpc/errors';
import { type RpcServer, register, startRpcServer } from '@grapnel/rpc/server';
import { silentLogger } from '@grapnel/runtime/logger';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProducerOptions } from './options.ts';
import { GrapnelProducer } from './producer.ts';
import type { PublishError } from './publish-error.ts';

type Results = { outcome: object }[];
interface Batch {
  readonly events: readonly Event[];
}
type Answer = (request: Batch) => Promise<Results> | Results;

const accepted = ({ events }: Batch): Results =>
  events.map(({ id }) => ({ outcome: { case: 'accepted', value: { eventId: id, duplicate: false } } }));
const failed = (value: object) => ({ outcome: { case: 'error', value } });

let server: RpcServer | undefined;
const producers: GrapnelProducer[] = [];
afterEach(async () => {
  for (const producer of producers.splice(0)) await producer.close();
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

/** Answers each batch as soon as it can, and ends the call with the first that fails. */
async function* answerEach(requests: AsyncIterable<PublishBatchesRequest>, answer: Answer) {
  const ready: { tag: bigint; results: never }[] = [];
  let [wake, open, ended] = [() => {}, 0, false];
  let failure: { error: unknown } | null = null;
  const settle = (change: () => void): void => {
    change();
    wake();
  };
  const reading = (async () => {
    for await (const { tag, events } of requests) {
      open++;
      void (async () => answer({ events }))().then(
        (results) => settle(() => (open--, ready.push({ tag, results: results as never }))),
        (error: unknown) => settle(() => (failure = { error })),
      );
    }
  })();
  reading.then(
    () => settle(() => (ended = true)),
    () => settle(() => (ended = true)),
  );
  for (;;) {
    yield* ready.splice(0);
    if (failure !== null) throw (failure as { error: unknown }).error;
    if (ended && open === 0 && ready.length === 0) return;
    if (ready.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  }
}

interface Calls {
  /** Batches, in the order of their coming, whichever way. */
  readonly calls: Batch[];
  /** How many came alone. */
  readonly alone: Batch[];
  /** Long calls that were made. */
  readonly streams: number;
}

/** A producer, and a gRPC server that gives one scripted answer per batch, then accepts everything. */
async function scripted(script: Answer[], options: Partial<ProducerOptions> = {}) {
  const seen = { calls: [] as Batch[], alone: [] as Batch[], streams: 0 };
  const answer: Answer = (batch) => {
    seen.calls.push(batch);
    return (script.shift() ?? accepted)(batch);
  };
  server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    authenticate: () => ({ kind: 'service', tenant: null }),
    services: [ingest(seen, answer)],
  });
  const producer = new GrapnelProducer({ address: server.address, apiKey: 'k', ...options });
  producers.push(producer);
  return { producer, seen: seen as Calls, calls: seen.calls };
}

const ingest = (seen: { alone: Batch[]; streams: number }, answer: Answer) =>
  register(IngestService, 'tenant', {
    publish: () => Promise.reject(new Error('the producer sends batches')),
    async publishBatch(request) {
      seen.alone.push(request);
      return { results: (await answer(request)) as never };
    },
    async *publishStream() {
      yield* [];
    },
    publishBatches(requests) {
      seen.streams++;
      return answerEach(requests, answer);
    },
  });

const page = (n: number) => ({ id: `p-${n}`, type: 'crawl.page', data: { n } });
const rejection = async (promise: Promise<unknown>): Promise<PublishError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown as PublishError,
  );
  if (error === null) throw new Error('it was published');
  return error;
};

describe('batches', () => {
  it('sends what comes together in one call, up to the limits', async () => {
    const { producer, calls } = await scripted([], { maxBatchEvents: 50 });
    const all = await Promise.all(Array.from({ length: 120 }, (_, n) => producer.publish(page(n))));
    expect(all.map(({ eventId }) => eventId)).toEqual(Array.from({ length: 120 }, (_, n) => `p-${n}`));
    expect(calls.map(({ events }) => events.length)).toEqual([50, 50, 20]);
  });

  it('keeps to the bytes of a batch', async () => {
    const { producer, calls } = await scripted([], { maxBatchBytes: 1_000 });
    await Promise.all(Array.from({ length: 6 }, (_, n) => producer.publish({ ...page(n), data: 'x'.repeat(398) })));
    expect(calls.map(({ events }) => events.length)).toEqual([2, 2, 2]);
  });

  it('makes no more calls at once than allowed', async () => {
    let now = 0;
    let most = 0;
    const slow: Answer = async (request) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return accepted(request);
    };
    const { producer } = await scripted(
      Array.from({ length: 50 }, () => slow),
      { maxBatchEvents: 4, maxCalls: 2 },
    );
    await Promise.all(Array.from({ length: 200 }, (_, n) => producer.publish(page(n))));
    expect(most).toBe(2);
  });

  it('lets no more events in than allowed; room() waits for the next place', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const hold: Answer = async (request) => {
      await held;
      return accepted(request);
    };
    const { producer, calls } = await scripted([hold], { maxOutstandingEvents: 3 });
    await producer.room();
    const all = Array.from({ length: 5 }, (_, n) => producer.publish(page(n)));
    let free = false;
    const room = (async () => {
      await producer.room();
      free = true;
    })();
    await new Promise((resolve) => setImmediate(resolve));
    expect(free).toBe(false);
    release();
    await Promise.all([...all, room]);
    expect(calls.map(({ events }) => events.length)).toEqual([3, 2]);
  });

  it('sends everything an event has', async () => {
    const { producer, calls } = await scripted([]);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await producer.publish({ ...page(1), jobId: 'j', taskId: 't', time: new Date(1_700_000_000_123), traceparent });
    expect(calls[0]?.events[0]).toMatchObject({
      jobId: 'j',
      taskId: 't',
      traceparent,
      time: { seconds: 1_700_000_000n, nanos: 123_000_000 },
    });
    expect(Buffer.from(calls[0]?.events[0]?.data ?? []).toString()).toBe('{"n":1}');
  });
});

describe('retries', () => {
  it('sends again under the same id, which it makes itself if need be', async () => {
    const away: Answer = () => Promise.reject(RpcError.unavailable('away', 120));
    const { producer, calls } = await scripted([away]);
    const began = performance.now();
    const { eventId } = await producer.publish({ type: 'crawl.page', data: 1 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(119);
    expect(eventId).toMatch(/^evt_/);
    expect(calls.map(({ events }) => events[0]?.id)).toEqual([eventId, eventId]);
  });

  it('sends again what was busy or unconfirmed, and nothing else', async () => {
    const mixed: Answer = () => [
      failed({ code: Code.RESOURCE_EXHAUSTED, message: 'busy', retryDelay: durationOf(10) }),
      failed({ code: Code.INVALID_ARGUMENT, message: 'bad', fields: [{ field: 'type', message: 'm', reason: 'R' }] }),
      { outcome: { case: 'accepted', value: { eventId: 'p-2', duplicate: true } } },
      failed({ code: Code.FAILED_PRECONDITION, message: 'never' }),
    ];
    const { producer, calls } = await scripted([mixed]);
    const [again, invalid, stored, refused] = [0, 1, 2, 3].map((n) => producer.publish(page(n)));
    expect(await rejection(invalid as Promise<unknown>)).toMatchObject({
      reason: 'invalid',
      eventId: 'p-1',
      violations: [{ field: 'type', message: 'm', code: 'R' }],
    });
    expect(await rejection(refused as Promise<unknown>)).toMatchObject({ reason: 'refused', message: 'never' });
    expect(await stored).toEqual({ eventId: 'p-2', duplicate: true });
    expect(await again).toEqual({ eventId: 'p-0', duplicate: false });
    expect(calls[1]?.events.map(({ id }) => id)).toEqual(['p-0']);
  });

  it('gives up after its time, saying that it may have been stored', async () => {
    const away: Answer = () => Promise.reject(RpcError.unavailable('away', 1));
    const { producer } = await scripted([away, away, away, away], { retryForMs: 150 });
    expect(await rejection(producer.publish(page(1)))).toMatchObject({ reason: 'unavailable', eventId: 'p-1' });
  });

  it('connects when the server comes up later', async () => {
    const { producer: first } = await scripted([]);
    await first.publish(page(0));
    const address = (server as RpcServer).address;
    await server?.[Symbol.asyncDispose]();
    const waiting = first.publish(page(1));
    const port = Number(address.split(':')[1]);
    server = await startRpcServer({
      host: '127.0.0.1',
      port,
      logger: silentLogger,
      authenticate: () => ({ kind: 'service', tenant: null }),
      services: [ingest({ alone: [], streams: 0 }, accepted)],
    });
    expect(await waiting).toEqual({ eventId: 'p-1', duplicate: false });
  });
});

describe('the long call', () => {
  const settled = async (n: number, producer: GrapnelProducer) => producer.publish(page(n));

  it('is one for many batches', async () => {
    const { producer, seen } = await scripted([]);
    for (let n = 0; n < 20; n++) await settled(n, producer);
    expect([seen.calls.length, seen.alone.length]).toEqual([20, 0]);
    expect(seen.streams).toBeLessThan(5);
  });

  it('ends when nothing is sent for a while, and is made again', async () => {
    const { producer, seen } = await scripted([]);
    await settled(1, producer);
    await sleep(2_500);
    await settled(2, producer);
    expect([seen.calls.length, seen.streams]).toEqual([2, 2]);
  });

  it('is given up when an answer is late; what it held is sent again', async () => {
    const never: Answer = () => new Promise(() => {});
    const { producer, seen } = await scripted([never, never], { callTimeoutMs: 50, maxBatchEvents: 1 });
    const both = await Promise.all([settled(1, producer), settled(2, producer)]);
    expect(both.map(({ eventId }) => eventId)).toEqual(['p-1', 'p-2']);
    expect(seen.calls).toHaveLength(4);
    expect(seen.streams).toBe(2);
  });

  it('ends with a batch that is refused by its form alone; the others do not share its fate', async () => {
    const tooLarge: Answer = () => Promise.reject(new RpcError(Code.RESOURCE_EXHAUSTED, 'larger than max'));
    const held = Promise.withResolvers<void>();
    const holding: Answer = async (batch) => {
      await held.promise;
      return accepted(batch);
    };
    // Both batches are on the call when it ends, and come again alone: the first is stored, the second refused.
    const alone: Answer = (batch) => (batch.events[0]?.id === 'p-2' ? tooLarge(batch) : accepted(batch));
    const { producer, seen } = await scripted([holding, tooLarge, alone, alone], { maxBatchEvents: 1 });
    const [first, second] = [settled(1, producer), rejection(settled(2, producer))];
    expect(await first).toEqual({ eventId: 'p-1', duplicate: false });
    expect(await second).toMatchObject({ reason: 'refused', message: 'larger than max' });
    expect(new Set(seen.alone.map(({ events }) => events[0]?.id))).toEqual(new Set(['p-1', 'p-2']));
    held.resolve();
  });
});

describe('refusals', () => {
  it('does not try again with a key that is not accepted', async () => {
    const refuse: Answer = () => Promise.reject(new RpcError(Code.UNAUTHENTICATED, 'Invalid API key'));
    const { producer, calls } = await scripted([refuse, refuse]);
    expect(await rejection(producer.publish(page(1)))).toMatchObject({ reason: 'refused', message: 'Invalid API key' });
    expect(calls).toHaveLength(2);
  });

  it('finds out by itself what has no JSON form, is too large or no time', async () => {
    const { producer, calls } = await scripted([]);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const [data, code] of [
      [undefined, 'INVALID_VALUE'],
      [cycle, 'INVALID_VALUE'],
      [1n, 'INVALID_VALUE'],
      ['x'.repeat(1_048_575), 'TOO_LARGE'],
    ] as const) {
      expect(await rejection(producer.publish({ ...page(1), data }))).toMatchObject({
        reason: 'invalid',
        violations: [{ field: 'data', code }],
      });
    }
    const time = new Date('nonsense');
    expect(await rejection(producer.publish({ ...page(1), time }))).toMatchObject({ violations: [{ field: 'time' }] });
    expect(calls).toHaveLength(0);
  });

  it('takes nothing after close(), which waits for what is under way', async () => {
    const { producer } = await scripted([]);
    const last = producer.publish(page(1));
    await producer.close();
    expect(await last).toMatchObject({ eventId: 'p-1' });
    expect(await rejection(producer.publish(page(2)))).toMatchObject({ reason: 'closed' });
  });

  it('refuses settings that cannot work', () => {
    expect(() => new GrapnelProducer({ address: 'a:1', apiKey: 'k', maxBatchEvents: 5_000 })).toThrow(
      /maxBatchEvents is 5000/,
    );
  });
});
