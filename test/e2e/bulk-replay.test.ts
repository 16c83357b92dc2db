import { randomBytes } from 'node:crypto';
import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { DeliveryService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import { DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { ReplayService } from '@grapnel/contracts/gen/grapnel/subscription/v1/replay_pb';
import { type DeliveryId, newReplayId, type WebhookId } from '@grapnel/domain/ids';
import { LEASE_MS } from '@grapnel/domain/replay/decide';
import { evolve } from '@grapnel/domain/replay/evolve';
import { NOTHING_COUNTED, type Replay, type ReplayEvent } from '@grapnel/domain/replay/replay';
import { openChannel } from '@grapnel/rpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelTo, SERVICE_TOKEN, startSubscription, until } from '../support/ground.ts';
import { type Answer, Platform } from '../support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await Platform.start({ env: { GRAPNEL_TIME_SCALE: '600' } });
});
afterAll(() => platform[Symbol.asyncDispose]());

type Json = Answer['body'];

/** A webhook with so many deliveries that failed for good; its endpoint answers again afterwards. */
async function failedWebhook(path: string, count: number, types = ['crawl.page']): Promise<string> {
  const { id } = await platform.createWebhook(path, { max_retries: 0, event_types: ['crawl.*'] });
  let sent = 0;
  const send = async (status: number, numbers: readonly number[]): Promise<void> => {
    platform.receiver.respond({ status }, path);
    for (const n of numbers) {
      await platform.call('POST', '/v1/events', { type: types[n % types.length] ?? '', data: { n, status } });
    }
    await platform.ended(id, (sent += numbers.length), 60_000);
  };
  for (let n = 0; n < count; n += 8) {
    await send(
      422,
      Array.from({ length: Math.min(8, count - n) }, (_, i) => n + i),
    );
    // Ten failures in a row would disable the webhook.
    await send(200, [0]);
  }
  expect(await failed(id)).toHaveLength(count);
  return id;
}

const failed = (id: string): Promise<Json[]> => platform.deliveries(id, '?status=failed&limit=1000');
const idsOf = (deliveries: Json[]): string[] => deliveries.map(({ uuid }) => String(uuid)).toSorted();
const replayOf = async (id: string): Promise<Json> => (await platform.call('GET', `/v1/replays/${id}`)).body.data;

async function start(webhook: string, body?: object): Promise<Json> {
  const answer = await platform.call('POST', `/v1/webhooks/${webhook}/replay`, body);
  expect(answer).toMatchObject({ status: 202, body: { success: true, message: 'Replay requested' } });
  return answer.body.data;
}

const end = (id: string, timeoutMs = 60_000): Promise<Json> =>
  until(
    'the replay has ended',
    async () => {
      const replay = await replayOf(id);
      return !['requested', 'running'].includes(replay.status) && replay;
    },
    timeoutMs,
  );

/** How often the endpoint had each delivery since a moment. */
function sendings(path: string, since: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const request of platform.receiver.requestsTo(path).slice(since)) {
    const id = request.header('x-webhook-delivery-id') ?? '';
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  return times;
}

describe('AC-13 bulk replay', { timeout: 120_000 }, () => {
  it('AC-13 is one at a time for each webhook, though many ask at once and of several replicas', async () => {
    const webhook = await failedWebhook('/once', 3);
    await using replica = await startSubscription(platform.env);
    using other = channelTo(replica);
    const asked = [platform.subscription, other].flatMap((channel) => {
      const client = channel.client(ReplayService);
      const as = { metadata: { 'grapnel-tenant': platform.tenant } };
      const request = { webhookId: webhook, ratePerSecond: 1 };
      return Array.from({ length: 4 }, () => client.createReplay(request, as));
    });
    const answers = await Promise.allSettled(asked);
    const made = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value.id] : []));
    expect(made).toHaveLength(1);
    const refused = answers.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
    const why = `replay ${made[0]} of this webhook is under way`;
    expect(refused.filter((message) => !message.includes(why))).toEqual([]);
    const again = await platform.call('POST', `/v1/webhooks/${webhook}/replay`);
    expect(again).toMatchObject({ status: 409, body: { error: expect.stringContaining(made[0] ?? '') } });
    const listed = await platform.call('GET', `/v1/replays?webhook_id=${webhook}`);
    expect(listed.body.data.map(({ replay_id: id }: Json) => id)).toEqual(made);
    await end(made[0] ?? '');
    expect((await end((await start(webhook)).replay_id)).status).toBe('finished');
  });

  it('AC-13 sends what failed again, same ids and bytes, each once, and says how far it is', async () => {
    const webhook = await failedWebhook('/bulk', 20, ['crawl.page', 'crawl.failed']);
    const before = idsOf(await failed(webhook));
    const since = platform.receiver.requestsTo('/bulk').length;
    const bodies = new Set(platform.receiver.requestsTo('/bulk').map(({ body }) => body.toString()));
    const job = await start(webhook, { status: 'failed', event_types: ['crawl.page'] });
    expect(job).toMatchObject({ webhook_id: webhook, filter: { status: ['failed'], event_types: ['crawl.page'] } });
    expect(await end(job.replay_id)).toMatchObject({
      status: 'finished',
      progress: { found: 10, queued: 10, skipped: 0, failed: 0 },
    });
    await until('ten are left', async () => (await failed(webhook)).length === 10);
    const rest = await start(webhook);
    expect(await end(rest.replay_id)).toMatchObject({ status: 'finished', progress: { found: 10, queued: 10 } });
    await until('all are delivered', async () => (await failed(webhook)).length === 0, 30_000);
    const sent = sendings('/bulk', since);
    expect([...sent.keys()].toSorted()).toEqual(before);
    expect(new Set(sent.values())).toEqual(new Set([1]));
    for (const { body } of platform.receiver.requestsTo('/bulk').slice(since)) {
      expect(bodies.has(body.toString())).toBe(true);
    }
    const list = await platform.call('GET', `/v1/replays?webhook_id=${webhook}&limit=1`);
    expect(list.body).toMatchObject({ data: [{ replay_id: rest.replay_id }], meta: { next_cursor: rest.replay_id } });
    const older = await platform.call('GET', `/v1/replays?webhook_id=${webhook}&cursor=${rest.replay_id}`);
    expect(older.body).toMatchObject({ data: [{ replay_id: job.replay_id }], meta: { next_cursor: null } });
  });

  it('AC-13 goes on after the service was restarted, leaves nothing out, sends nothing twice, and live deliveries go on', async () => {
    const webhook = await failedWebhook('/again', 24);
    const before = idsOf(await failed(webhook));
    const since = platform.receiver.requestsTo('/again').length;
    const job = await start(webhook, { rate_per_second: 4 });
    const another = await platform.call('POST', `/v1/webhooks/${webhook}/replay`);
    expect(another).toMatchObject({ status: 409, body: { error: expect.stringContaining(job.replay_id) } });
    await until('it is under way', async () => (await replayOf(job.replay_id)).progress.queued >= 4);
    await platform.restartable.stop();
    const halfway = sendings('/again', since).size;
    await platform.restartable.start();
    const back = async () => (await platform.call('GET', '/v1/webhooks')).status === 200;
    await until('the API reaches it again', back, 30_000);
    const live = await platform.createWebhook('/live');
    await platform.call('POST', '/v1/events', { type: 'crawl.page', data: { live: true } });
    await platform.ended(live.id, 1, 30_000);
    expect(await end(job.replay_id)).toMatchObject({ status: 'finished', progress: { found: 24, queued: 24 } });
    expect(halfway).toBeLessThan(24);
    await until('all are delivered', async () => (await failed(webhook)).length === 0, 30_000);
    const sent = sendings('/again', since);
    for (const id of before) expect(sent.get(id)).toBe(1);
  });

  it('AC-13 takes over a replay whose process died in the middle of a page, and sends none of it twice', async () => {
    const webhook = (await failedWebhook('/taken', 8)) as WebhookId;
    const since = platform.receiver.requestsTo('/taken').length;
    const as = { metadata: { 'grapnel-tenant': platform.tenant } };
    const statuses = [DeliveryStatus.FAILED];
    const listed = await platform.query.client(QueryService).listDeliveries({ webhookId: webhook, statuses }, as);
    const deliveries = listed.deliveries.map(({ id, sequence }) => ({ deliveryId: id, sequence }));
    const round = Date.now();
    const id = newReplayId(round, (bytes) => randomBytes(bytes));
    const at = round - LEASE_MS;
    const filter = { statuses: ['failed'], from: null, to: round, eventTypes: [] } as const;
    const page = {
      deliveries: deliveries.map((one) => ({ id: one.deliveryId as DeliveryId, sequence: Number(one.sequence) })),
      ...{ skipped: 0, next: null, position: null },
    };
    const events: ReplayEvent[] = [
      { type: 'requested', at: round, id, tenant: platform.tenant, webhookId: webhook, filter, ratePerSecond: 200 },
      { type: 'claimed', at, runner: 'gone' },
      { type: 'advanced', at, runner: 'gone', done: NOTHING_COUNTED, page },
    ];
    const state = events.reduce<Replay | null>(evolve, null);
    // What the process had asked for when it died: half of the page.
    using dispatcher = openChannel({ address: platform.env['DELIVERY_GRPC'] ?? '', token: SERVICE_TOKEN });
    const half = { webhookId: webhook, round: BigInt(round), bulk: true, deliveries: deliveries.slice(0, 4) };
    await dispatcher.client(DeliveryService).replayDeliveries(half, as);
    await until('half is delivered', async () => (await failed(webhook)).length === 4, 30_000);
    const { open, names } = platform.ground;
    const aggregate = { tenant: platform.tenant, kind: 'replay', id } as const;
    await open.streams.publish(encodeRecorded(aggregate, { event: events[2], state }, 0, names));
    await until('somebody knows it', async () => (await replayOf(id)) !== undefined);
    expect(await end(id)).toMatchObject({
      status: 'finished',
      progress: { found: 8, queued: 8, skipped: 0, failed: 0 },
    });
    await until('all are delivered', async () => (await failed(webhook)).length === 0, 30_000);
    const sent = sendings('/taken', since);
    expect([...sent.keys()].toSorted()).toEqual(deliveries.map(({ deliveryId }) => deliveryId).toSorted());
    expect(new Set(sent.values())).toEqual(new Set([1]));
  });

  it('AC-13 stops when it is cancelled', async () => {
    const webhook = await failedWebhook('/stop', 16);
    const job = await start(webhook, { rate_per_second: 2 });
    await until('it is under way', async () => (await replayOf(job.replay_id)).progress.queued >= 2);
    const cancelled = await platform.call('POST', `/v1/replays/${job.replay_id}/cancel`);
    expect(cancelled).toMatchObject({ status: 200, body: { data: { status: 'cancelled' } } });
    expect((await platform.call('POST', `/v1/replays/${job.replay_id}/cancel`)).status).toBe(200);
    // Another may begin, and finds what the first has left.
    const rest = await start(webhook);
    await end(rest.replay_id);
    const first = await replayOf(job.replay_id);
    expect(first.progress.queued).toBeLessThan(16);
    await until('all are delivered', async () => (await failed(webhook)).length === 0, 30_000);
    expect((await platform.call('POST', `/v1/replays/${rest.replay_id}/cancel`)).status).toBe(409);
  });

  it('AC-13 refuses what it cannot do, and stores nothing', async () => {
    const { id } = await platform.createWebhook('/refusals');
    const post = (body: unknown, webhook = id) => platform.call('POST', `/v1/webhooks/${webhook}/replay`, body);
    const fieldsOf = ({ body }: Answer): string[] => body.details.map((detail: Json) => detail.field);
    expect(fieldsOf(await post({ status: 'pending' }))).toEqual(['status']);
    expect(fieldsOf(await post({ rate_per_second: 0 }))).toEqual(['rate_per_second']);
    expect(fieldsOf(await post({ from: '2999-01-01' }))).toEqual(['from']);
    expect(fieldsOf(await post({ event_types: ['not a type'] }))).toEqual(['event_types[0]']);
    expect((await post({}, 'wh_00000000000000000000000000')).status).toBe(404);
    await platform.call('PUT', `/v1/webhooks/${id}/deactivate`);
    expect(await post({})).toMatchObject({ status: 409, body: { error: expect.stringContaining('inactive') } });
    expect((await platform.call('GET', `/v1/replays?webhook_id=${id}`)).body.data).toEqual([]);
    const unknown = await platform.call('GET', '/v1/replays/rpl_00000000000000000000000000');
    expect(unknown).toMatchObject({ status: 404, body: { error: 'Replay not found' } });
  });
});
