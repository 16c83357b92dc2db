import { IngestService, type PublishBatchRequest } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { Code, durationOf, RpcError } from '@grapnel/rpc/errors';
import { type RpcServer, register, startRpcServer } from '@grapnel/rpc/server';
import { silentLogger } from '@grapnel/runtime/logger';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProducerOptions } from './options.ts';
import { GrapnelProducer } from './producer.ts';
import type { PublishError } from './publish-error.ts';

type Results = { outcome: object }[];
type Answer = (request: PublishBatchRequest) => Promise<Results> | Results;

const accepted = ({ events }: PublishBatchRequest): Results =>
  events.map(({ id }) => ({ outcome: { case: 'accepted', value: { eventId: id, duplicate: false } } }));
const failed = (value: object) => ({ outcome: { case: 'error', value } });

let server: RpcServer | undefined;
const producers: GrapnelProducer[] = [];
afterEach(async () => {
  for (const producer of producers.splice(0)) await producer.close();
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

/** A producer, and a gRPC server that gives one scripted answer per call, then accepts everything. */
async function scripted(script: Answer[], options: Partial<ProducerOptions> = {}) {
  const calls: PublishBatchRequest[] = [];
  server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    authenticate: () => ({ kind: 'service', tenant: null }),
    services: [
      register(IngestService, 'tenant', {
        publish: () => Promise.reject(new Error('the producer sends batches')),
        async publishBatch(request) {
          calls.push(request);
          return { results: (await (script.shift() ?? accepted)(request)) as never };
        },
        async *publishStream() {
          yield* [];
        },
      }),
    ],
  });
  const producer = new GrapnelProducer({ address: server.address, apiKey: 'k', ...options });
  producers.push(producer);
  return { producer, calls };
}

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
      services: [
        register(IngestService, 'tenant', {
          publish: () => Promise.reject(new Error('the producer sends batches')),
          publishBatch: async (request) => ({ results: accepted(request) as never }),
          async *publishStream() {
            yield* [];
          },
        }),
      ],
    });
    expect(await waiting).toEqual({ eventId: 'p-1', duplicate: false });
  });
});

describe('refusals', () => {
  it('does not try again with a key that is not accepted', async () => {
    const refuse: Answer = () => Promise.reject(new RpcError(Code.UNAUTHENTICATED, 'Invalid API key'));
    const { producer, calls } = await scripted([refuse]);
    expect(await rejection(producer.publish(page(1)))).toMatchObject({ reason: 'refused', message: 'Invalid API key' });
    expect(calls).toHaveLength(1);
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
