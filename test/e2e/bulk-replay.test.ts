import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
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
  platform.receiver.respond({ status: 422 }, path);
  for (let n = 0; n < count; n++) {
    // A success now and then, because ten failures in a row would disable the webhook.
    if (n % 8 === 7) await succeedOnce(id, path);
    const type = types[n % types.length];
    await platform.call('POST', '/v1/events', { type, data: { n } });
  }
  await until(`${count} failed`, async () => (await failed(id)).length >= count && true, 60_000);
  platform.receiver.respond({ status: 200 }, path);
  return id;
}

async function succeedOnce(id: string, path: string): Promise<void> {
  await until('no delivery waits', async () => (await platform.deliveries(id, '?status=pending')).length === 0);
  platform.receiver.respond({ status: 200 }, path);
  const before = (await platform.deliveries(id, '?status=delivered')).length;
  await platform.call('POST', '/v1/events', { type: 'crawl.page', data: { fine: true } });
  const more = async () => (await platform.deliveries(id, '?status=delivered')).length > before;
  await until('one success', more, 30_000);
  platform.receiver.respond({ status: 422 }, path);
}

const failed = (id: string): Promise<Json[]> => platform.deliveries(id, '?status=failed&limit=1000');
const idsOf = (deliveries: Json[]): string[] => deliveries.map(({ uuid }) => uuid).toSorted();
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

describe('AC-13 bulk replay', () => {
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
    const live = await platform.createWebhook('/live');
    await platform.call('POST', '/v1/events', { type: 'crawl.page', data: { live: true } });
    await platform.ended(live.id, 1, 30_000);
    expect(await end(job.replay_id)).toMatchObject({ status: 'finished', progress: { found: 24, queued: 24 } });
    expect(halfway).toBeLessThan(24);
    await until('all are delivered', async () => (await failed(webhook)).length === 0, 30_000);
    const sent = sendings('/again', since);
    for (const id of before) expect(sent.get(id)).toBe(1);
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
    console.log(JSON.stringify([first, await replayOf(rest.replay_id), (await platform.call('GET', `/v1/webhooks/${webhook}`)).body, (await failed(webhook)).length]));
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
