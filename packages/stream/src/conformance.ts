import { randomBytes } from 'node:crypto';
import type { NewMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import { partitionOf } from '@grapnel/domain/partition';
import { eventually } from '@grapnel/testkit/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventStreams, type Received, WrongLastSequence } from './ports.ts';

/** One adapter under test, with provisioned streams of its own. */
export interface Subject extends AsyncDisposable {
  readonly streams: EventStreams;
  readonly names: Topology;
}

/** What every adapter of the {@link EventStreams} port must do; each adapter's test calls it. */
export function describeEventStreams(adapter: string, start: () => Promise<Subject>): void {
  describe(`event streams: ${adapter}`, () => {
    let subject: Subject;
    let streams: EventStreams;
    let names: Topology;
    beforeAll(async () => {
      subject = await start();
      ({ streams, names } = subject);
    });
    afterAll(() => subject[Symbol.asyncDispose]());

    const message = (text: string, more: Partial<NewMessage> = {}): NewMessage => ({
      subject: names.subjects.event('acme', 'crawl.page'),
      body: Buffer.from(text),
      headers: {},
      ...more,
    });
    const events = (): string => names.streams.events;
    const fresh = (): string => randomBytes(6).toString('hex');
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

    it('stores body and headers as they are, at growing positions', async () => {
      const first = await streams.publish(message('żółw', { headers: { 'X-A': 'one, two' } }));
      const second = await streams.publish(message('2'));
      expect(second.sequence).toBe(first.sequence + 1);
      const found = await streams.get(events(), first.sequence);
      expect(text(found?.body ?? new Uint8Array())).toBe('żółw');
      expect(found?.header('X-A')).toBe('one, two');
      expect(found?.header('X-None')).toBeUndefined();
      expect(Math.abs((found?.storedAt ?? 0) - Date.now())).toBeLessThan(10_000);
    });

    it('ST-06 stores an id once, and says so', async () => {
      const id = fresh();
      const first = await streams.publish(message('a', { id }));
      expect(await streams.publish(message('b', { id }))).toEqual({ sequence: first.sequence, duplicate: true });
    });

    it('lets only one of two writers be next on a subject', async () => {
      const to = names.subjects.aggregate('acme', 'webhook', fresh());
      const first = await streams.publish(message('1', { subject: to, expectedLastSequence: 0 }));
      await expect(streams.publish(message('2', { subject: to, expectedLastSequence: 0 }))).rejects.toThrow(
        WrongLastSequence,
      );
      await streams.publish(message('3', { subject: to, expectedLastSequence: first.sequence }));
      expect(text((await streams.lastOn(names.streams.webhooks, to))?.body ?? new Uint8Array())).toBe('3');
      expect(text((await streams.newestOn(names.streams.webhooks, to))?.body ?? new Uint8Array())).toBe('3');
    });

    it('knows what is not there', async () => {
      expect(await streams.get(events(), 999_999_999)).toBeNull();
      const nothing = names.subjects.aggregate('acme', 'key', 'none');
      expect(await streams.lastOn(names.streams.webhooks, nothing)).toBeNull();
      expect(await streams.newestOn(names.streams.webhooks, nothing)).toBeNull();
    });

    it('knows whether anything comes after a position', async () => {
      const { sequence } = await streams.publish(message('last'));
      expect(await streams.endsAt(events(), sequence)).toBe(true);
      expect(await streams.endsAt(events(), sequence + 1_000)).toBe(true);
      expect(await streams.endsAt(events(), sequence - 1)).toBe(false);
      await streams.publish(message('one more'));
      expect(await streams.endsAt(events(), sequence)).toBe(false);
      await expect(streams.endsAt('NO_SUCH_STREAM', 0)).rejects.toThrow(
        'the end of NO_SUCH_STREAM cannot be asked for',
      );
    });

    it('reads on from a position, in order, and live', async () => {
      const { lastSequence } = await streams.state(events());
      const stop = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const each of streams.read(events(), { after: lastSequence, signal: stop.signal }))
          seen.push(text(each.body));
      })();
      for (let i = 0; i < 50; i++) await streams.publish(message(String(i)));
      await eventually(() => expect(seen).toHaveLength(50));
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
      stop.abort();
      await reading;
    });

    it('reads in batches of what has come meanwhile, in order, and rests between', async () => {
      const { lastSequence } = await streams.state(events());
      const stop = new AbortController();
      const options = { after: lastSequence, maxSize: 40, restMs: 100, signal: stop.signal };
      const sizes: number[] = [];
      const seen: string[] = [];
      const reading = (async () => {
        for await (const batch of streams.readBatches(events(), options)) {
          sizes.push(batch.length);
          seen.push(...batch.map(({ body }) => text(body)));
        }
      })();
      const all = Array.from({ length: 100 }, (_, i) => String(i));
      await Promise.all(all.map((each) => streams.publish(message(each))));
      await eventually(() => expect(seen).toHaveLength(100));
      expect(seen).toEqual(all);
      expect(Math.max(...sizes)).toBe(40);
      await streams.publish(message('one more'));
      await eventually(() => expect(seen.at(-1)).toBe('one more'));
      stop.abort();
      await reading;
    });

    it.each([0, 50])('reads messages of any size (resting %i ms)', async (restMs) => {
      const { lastSequence } = await streams.state(events());
      const stop = new AbortController();
      const lengths = [10, 3_900_000, 10, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 7_000_000, 10];
      for (const length of lengths) await streams.publish(message('x'.repeat(length)));
      const seen: number[] = [];
      const options = { after: lastSequence, maxSize: 500, restMs, signal: stop.signal };
      for await (const batch of streams.readBatches(events(), options)) {
        seen.push(...batch.map(({ body }) => body.byteLength));
        if (seen.length >= lengths.length) break;
      }
      expect(seen).toEqual(lengths);
    });

    it('reads the newest of every subject, then everything new', async () => {
      const kind = fresh();
      const to = (id: string): string => names.subjects.aggregate(kind, 'webhook', id);
      for (const [id, state] of [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
      ] as const) {
        await streams.publish(message(`${id}${state}`, { subject: to(id) }));
      }
      const stop = new AbortController();
      const seen: string[] = [];
      const options = { after: 0, lastPerSubject: true, subject: to('*'), signal: stop.signal };
      const reading = (async () => {
        for await (const each of streams.read(names.streams.webhooks, options)) seen.push(text(each.body));
      })();
      await eventually(() => expect(seen).toEqual(['b1', 'a2']));
      await streams.publish(message('a3', { subject: to('a') }));
      await eventually(() => expect(seen).toEqual(['b1', 'a2', 'a3']));
      stop.abort();
      await reading;
    });

    it('gives a message again when it is naked, overdue or left alone, never after an ack', async () => {
      const webhook = `wh_${fresh()}` as const;
      const body = fresh();
      const stop = new AbortController();
      const turns: boolean[] = [];
      const handle = async (received: Received): Promise<void> => {
        if (text(received.body) !== body) return received.ack();
        turns.push(received.redelivered);
        if (turns.length === 1) received.nak(10);
        else if (turns.length === 2) throw new Error('a bug in the handler');
        else received.ack();
      };
      const consuming = Promise.all(
        Array.from({ length: names.partitions }, (_, p) =>
          streams.consume(
            { stream: names.streams.retries, durable: names.consumers.due(p), maxInFlight: 10, signal: stop.signal },
            handle,
          ),
        ),
      );
      await streams.publish(message(body, { subject: names.subjects.due(webhook) }));
      await eventually(() => expect(turns).toEqual([false, true, true]));
      await eventually(async () => expect((await streams.state(names.streams.retries)).messages).toBe(0));
      stop.abort();
      await consuming;
      expect(turns).toHaveLength(3);
    });

    it('never has more messages with a handler than it was told', async () => {
      const stop = new AbortController();
      let now = 0;
      let most = 0;
      let done = 0;
      const options = { stream: events(), durable: names.consumers.fanout, maxInFlight: 5, signal: stop.signal };
      const before = (await streams.lag(events(), names.consumers.fanout)).pending;
      const consuming = streams.consume(options, async (received) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        done++;
        received.ack();
      });
      await eventually(() => expect(done).toBe(before));
      expect(most).toBe(Math.min(5, before));
      stop.abort();
      await consuming;
      await eventually(async () =>
        expect(await streams.lag(events(), names.consumers.fanout)).toMatchObject({ pending: 0, ackPending: 0 }),
      );
    });

    it('holds no more bytes in hand than fit, and goes on as they leave', async () => {
      const stop = new AbortController();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const { consumers, streams: of, subjects } = names;
      const partition = partitionOf('wh_large', names.partitions);
      const options = {
        stream: of.deliveries,
        durable: consumers.dispatch(partition),
        maxInFlight: 200,
        signal: stop.signal,
      };
      const large = 4 * 1_048_576;
      let taken = 0;
      const consuming = streams.consume(options, async (received) => {
        if (received.body.byteLength === large) taken++;
        await released;
        received.ack();
      });
      for (let n = 0; n < 30; n++) {
        await streams.publish({
          subject: subjects.delivery('wh_large'),
          body: Buffer.alloc(large),
          headers: {},
          id: fresh(),
        });
      }
      // What has been asked for comes within this.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(taken).toBeGreaterThanOrEqual(10);
      expect(taken).toBeLessThanOrEqual(20);
      release();
      await eventually(() => expect(taken).toBe(30));
      stop.abort();
      await consuming;
    });

    it('brings messages of any size, also after many small ones', async () => {
      const to = names.subjects.delivery('wh_sizes');
      const partition = partitionOf('wh_sizes', names.partitions);
      const sizes = [...Array.from({ length: 50 }, () => 100), 1_048_576, 100, 7_000_000, 3_000_000, 100, 1_048_576];
      for (const size of sizes) await streams.publish(message('', { subject: to, body: Buffer.alloc(size, 'x') }));
      const stop = new AbortController();
      const seen: number[] = [];
      const options = {
        stream: names.streams.deliveries,
        durable: names.consumers.dispatch(partition),
        maxInFlight: 64,
      };
      const consuming = streams.consume({ ...options, signal: stop.signal }, async (received) => {
        if (received.subject === to) seen.push(received.body.byteLength);
        received.ack();
      });
      await eventually(() => expect(seen).toHaveLength(sizes.length));
      expect(seen).toEqual(sizes);
      stop.abort();
      await consuming;
    });

    it('gives back at a stop what was on its way, for another process to have at once', async () => {
      const stop = new AbortController();
      const before = (await streams.state(events())).lastSequence;
      for (let i = 0; i < 200; i++) await streams.publish(message(String(i)));
      const handled = new Set<number>();
      const options = { stream: events(), durable: names.consumers.fanout, maxInFlight: 100 };
      await streams.consume({ ...options, signal: stop.signal }, async (received) => {
        handled.add(received.sequence);
        stop.abort();
        received.ack();
      });
      // Far sooner than the acknowledgement's time, which is how long it takes when nobody says anything.
      const next = new AbortController();
      const consuming = streams.consume({ ...options, signal: next.signal }, async (received) => {
        handled.add(received.sequence);
        received.ack();
      });
      await eventually(() => expect([...handled].filter((sequence) => sequence > before)).toHaveLength(200));
      next.abort();
      await consuming;
    });

    it('removes every message of a subject', async () => {
      const to = names.subjects.outcome('wh_purged');
      await streams.publish(message('x', { subject: to }));
      await streams.purge(names.streams.outcomes, to);
      expect(await streams.lastOn(names.streams.outcomes, to)).toBeNull();
    });

    it('removes the messages of a subject up to a position, and no other', async () => {
      const [to, other] = [names.subjects.outcome('wh_partly'), names.subjects.outcome('wh_untouched')];
      const before = await streams.publish(message('other', { subject: other }));
      const old = await streams.publish(message('old', { subject: to }));
      const newer = await streams.publish(message('newer', { subject: to }));
      await streams.purge(names.streams.outcomes, to, old.sequence);
      expect(await streams.get(names.streams.outcomes, old.sequence)).toBeNull();
      expect((await streams.lastOn(names.streams.outcomes, to))?.sequence).toBe(newer.sequence);
      expect(await streams.get(names.streams.outcomes, before.sequence)).not.toBeNull();
    });
  });
}
