import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { DeliveryStatus, HourlyStatisticsSchema } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/gateway.test-support.ts';

let gateway: TestGateway;
let webhook: string;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  gateway.history.deliveries.length = 0;
  webhook = await gateway.create();
});

const deliveryId = (n: number): string => `dlv_${String(n).padStart(26, '0')}`;
const list = (query = '') => gateway.ask('GET', `/v1/webhooks/${webhook}/deliveries${query}`);

describe('the history', () => {
  it('AC-12 shows a delivery with both spellings', async () => {
    gateway.history.add('acme', webhook, deliveryId(1));
    const { status, json } = await list();
    expect(status).toBe(200);
    expect(json.data).toEqual([
      {
        uuid: deliveryId(1),
        delivery_id: deliveryId(1),
        webhookSubscriptionUuid: webhook,
        webhook_subscription_uuid: webhook,
        eventType: 'scrape.completed',
        event_type: 'scrape.completed',
        event_id: 'evt_1',
        job_id: null,
        task_id: null,
        status: 'delivered',
        attempt_number: 1,
        request_url: 'https://example.com/hook',
        request_method: 'POST',
        response_status: 200,
        response_duration_ms: 125,
        error_message: null,
        error_code: null,
        skip_reason: null,
        is_test: false,
        payload_bytes: 64,
        created_at: '2026-01-27T10:00:00.000Z',
        delivered_at: '2026-01-27T10:00:00.125Z',
        next_attempt_at: null,
      },
    ]);
  });

  it('AC-11 answers the defaults and nulls in meta', async () => {
    const { json } = await list();
    expect(json).toEqual({
      success: true,
      data: [],
      meta: { limit: 100, offset: 0, filters: { status: null, from: null, to: null }, next_cursor: null },
    });
  });

  it('AC-11 passes the filters on and echoes them', async () => {
    const { json } = await list('?limit=20&offset=5&status=failed&from=2026-01-01&to=2026-01-27T10:00:00.5%2B02:00');
    expect(json.meta).toEqual({
      limit: 20,
      offset: 5,
      filters: { status: 'failed', from: '2026-01-01', to: '2026-01-27T10:00:00.5+02:00' },
      next_cursor: null,
    });
    const { lastList } = gateway.history;
    expect(lastList).toMatchObject({ webhookId: webhook, pageSize: 20, offset: 5, statuses: [DeliveryStatus.FAILED] });
    expect(lastList?.from && timestampMs(lastList.from)).toBe(Date.UTC(2026, 0, 1));
    expect(lastList?.to && timestampMs(lastList.to)).toBe(Date.UTC(2026, 0, 27, 8, 0, 0, 500));
  });

  it.each(['pending', 'retrying', 'delivered', 'failed', 'skipped'])('AC-11 filters by %s', async (status) => {
    const wanted: DeliveryStatus = DeliveryStatus[status.toUpperCase() as keyof typeof DeliveryStatus];
    gateway.history.add('acme', webhook, deliveryId(1), { status: wanted });
    gateway.history.add('acme', webhook, deliveryId(2), {
      status: wanted === DeliveryStatus.FAILED ? DeliveryStatus.DELIVERED : DeliveryStatus.FAILED,
    });
    const { json } = await list(`?status=${status}`);
    expect(json.data.map((one: { uuid: string; status: string }) => [one.uuid, one.status])).toEqual([
      [deliveryId(1), status],
    ]);
  });

  it('AC-11 pages newest first by offset and by cursor', async () => {
    for (const n of [1, 2, 3, 4, 5]) gateway.history.add('acme', webhook, deliveryId(n));
    const ids = (answer: { json: { data: { uuid: string }[] } }) => answer.json.data.map(({ uuid }) => uuid);
    expect(ids(await list('?limit=2&offset=1'))).toEqual([deliveryId(4), deliveryId(3)]);
    const first = await list('?limit=2');
    expect(ids(first)).toEqual([deliveryId(5), deliveryId(4)]);
    const second = await list(`?limit=2&cursor=${first.json.meta.next_cursor}`);
    expect(ids(second)).toEqual([deliveryId(3), deliveryId(2)]);
    const third = await list(`?limit=2&cursor=${second.json.meta.next_cursor}`);
    expect(ids(third)).toEqual([deliveryId(1)]);
    expect(third.json.meta.next_cursor).toBeNull();
  });

  it.each([
    ['limit=0', 'limit', 'TOO_SMALL'],
    ['limit=1001', 'limit', 'TOO_LARGE'],
    ['limit=', 'limit', 'INVALID_VALUE'],
    ['limit=ten', 'limit', 'INVALID_VALUE'],
    ['limit=1e2', 'limit', 'INVALID_VALUE'],
    ['limit=-1', 'limit', 'TOO_SMALL'],
    ['limit=1.5', 'limit', 'INVALID_VALUE'],
    ['limit=1e9', 'limit', 'INVALID_VALUE'],
    ['limit=5&limit=6', 'limit', 'INVALID_TYPE'],
    ['offset=-1', 'offset', 'TOO_SMALL'],
    ['offset=100001', 'offset', 'TOO_LARGE'],
    ['status=done', 'status', 'INVALID_VALUE'],
    ['status=', 'status', 'INVALID_VALUE'],
    ['status=failed&status=delivered', 'status', 'INVALID_VALUE'],
    ['from=yesterday', 'from', 'INVALID_VALUE'],
    ['from=1769508000', 'from', 'INVALID_VALUE'],
    ['from=2026-02-30', 'from', 'INVALID_VALUE'],
    ['to=2026-01-27T25:00:00Z', 'to', 'INVALID_VALUE'],
    ['to=2026-01-01&to=2026-01-02', 'to', 'INVALID_TYPE'],
    ['from=2026-01-02&to=2026-01-01', 'to', 'INVALID_VALUE'],
    ['cursor=', 'cursor', 'TOO_SHORT'],
    ['cursor=10&offset=5', 'cursor', 'INVALID_VALUE'],
    ['page=2', 'page', 'UNKNOWN_FIELD'],
    ['__proto__=1', '__proto__', 'UNKNOWN_FIELD'],
  ])('AC-11 refuses ?%s', async (query, field, code) => {
    for (const path of [`/v1/webhooks/${webhook}/deliveries`, '/v1/deliveries']) {
      const { status, json } = await gateway.ask('GET', `${path}?${query}`);
      expect(status).toBe(400);
      expect(json).toMatchObject({ success: false, error: 'Validation error', details: [{ field, code }] });
    }
  });

  it.each(['-1', '0', '1001', '1e9', '1.5', 'ten', ''])('says which limits there are to ?limit=%s', async (limit) => {
    const { json } = await gateway.ask('GET', `/v1/deliveries?limit=${limit}&offset=-1`);
    expect(json.message).toBe(
      'limit must be a whole number from 1 to 1000; offset must be a whole number from 0 to 100000',
    );
  });

  it('lists the deliveries of all webhooks, or of one', async () => {
    const second = await gateway.create();
    gateway.history.add('acme', webhook, deliveryId(1));
    gateway.history.add('acme', second, deliveryId(2));
    const all = await gateway.ask('GET', '/v1/deliveries');
    expect(all.json.data.map((one: { uuid: string }) => one.uuid)).toEqual([deliveryId(2), deliveryId(1)]);
    const one = await gateway.ask('GET', `/v1/deliveries?webhook_id=${webhook}`);
    expect(one.json.data.map((delivery: { uuid: string }) => delivery.uuid)).toEqual([deliveryId(1)]);
    expect((await gateway.ask('GET', '/v1/deliveries?webhook_id=nonsense')).json.error).toBe('Webhook not found');
  });

  it('AC-12 shows every attempt of one delivery', async () => {
    gateway.history.add('acme', webhook, deliveryId(1));
    const { status, json } = await gateway.ask('GET', `/v1/webhooks/${webhook}/deliveries/${deliveryId(1)}`);
    expect(status).toBe(200);
    expect(json.data.uuid).toBe(deliveryId(1));
    expect(json.data.attempts).toEqual([
      {
        round: 0,
        attempt_number: 1,
        succeeded: true,
        started_at: '2026-01-27T10:00:00.000Z',
        duration_ms: 125,
        request_url: 'https://example.com/hook',
        request_method: 'POST',
        request_headers: { 'X-Webhook-Event': 'scrape.completed' },
        response_status: 200,
        response_headers: { server: 'test' },
        response_body: 'ok',
        error_code: null,
        error_message: null,
        remote_address: '203.0.113.7',
        next_attempt_at: null,
      },
    ]);
  });

  it('AC-12 shows a failed delivery without an answer', async () => {
    gateway.history.add('acme', webhook, deliveryId(1), {
      status: DeliveryStatus.RETRYING,
      attemptNumber: 3,
      responseStatus: undefined,
      responseDurationMs: undefined,
      errorCode: 'ETIMEDOUT',
      errorMessage: 'Connection timeout',
      deliveredAt: undefined,
      nextAttemptAt: timestampFromMs(Date.UTC(2026, 0, 27, 10, 4)),
    });
    expect((await list()).json.data[0]).toMatchObject({
      status: 'retrying',
      attempt_number: 3,
      response_status: null,
      response_duration_ms: null,
      error_code: 'ETIMEDOUT',
      error_message: 'Connection timeout',
      delivered_at: null,
      next_attempt_at: '2026-01-27T10:04:00.000Z',
    });
  });

  it.each([deliveryId(9), 'nonsense', `wh_${'0'.repeat(26)}`])(
    'AC-13 answers 404 for the unknown delivery %s',
    async (id) => {
      for (const [method, path] of [
        ['GET', ''],
        ['POST', '/replay'],
      ] as const) {
        const { status, json } = await gateway.ask(method, `/v1/webhooks/${webhook}/deliveries/${id}${path}`);
        expect(status).toBe(404);
        expect(json).toEqual({ success: false, error: 'Delivery not found' });
      }
    },
  );

  it('goes on answering from the history while the owner of webhooks is away', async () => {
    await using own = await startGateway();
    const id = await own.create();
    own.history.add('acme', id, deliveryId(1));
    await own.servers.subscription[Symbol.asyncDispose]();
    const { status, json } = await own.ask('GET', `/v1/webhooks/${id}/deliveries`);
    expect(status).toBe(200);
    expect(json.data).toHaveLength(1);
    const away = await own.ask('GET', `/v1/webhooks/${id}`);
    expect(away.status).toBe(503);
    expect(away.headers.get('retry-after')).toBe('1');
    expect(away.json).toEqual({ success: false, error: expect.stringContaining('unavailable') });
  });
});

describe('replaying', () => {
  it('AC-13 hands the delivery to a dispatcher, again and again', async () => {
    gateway.history.add('acme', webhook, deliveryId(1), { sequence: 12_345n });
    gateway.history.replays.length = 0;
    for (let i = 0; i < 3; i++) {
      const { status, json } = await gateway.ask('POST', `/v1/webhooks/${webhook}/deliveries/${deliveryId(1)}/replay`);
      expect(status).toBe(200);
      expect(json).toEqual({
        success: true,
        message: 'Delivery replayed successfully',
        data: { delivery_id: deliveryId(1), status: 'pending' },
      });
    }
    expect(gateway.history.replays).toEqual(
      Array.from({ length: 3 }, () => ({ deliveryId: deliveryId(1), sequence: 12_345n })),
    );
  });

  it("AC-13 answers 404 for another webhook's delivery", async () => {
    gateway.history.add('acme', await gateway.create(), deliveryId(1));
    const { status, json } = await gateway.ask('POST', `/v1/webhooks/${webhook}/deliveries/${deliveryId(1)}/replay`);
    expect(status).toBe(404);
    expect(json.error).toBe('Delivery not found');
  });

  it('AC-13 answers 409 with the reason when it cannot be sent now', async () => {
    gateway.history.add('acme', webhook, deliveryId(1));
    gateway.history.replayFailure = new RpcError(Code.FAILED_PRECONDITION, 'the webhook is inactive');
    const { status, json } = await gateway.ask('POST', `/v1/webhooks/${webhook}/deliveries/${deliveryId(1)}/replay`);
    gateway.history.replayFailure = null;
    expect(status).toBe(409);
    expect(json).toEqual({ success: false, error: 'the webhook is inactive' });
  });
});

describe('statistics', () => {
  const statistics = (query = '') => gateway.ask('GET', `/v1/webhooks/${webhook}/statistics${query}`);

  it('come by the hour', async () => {
    gateway.history.hours.push(
      create(HourlyStatisticsSchema, {
        hour: timestampFromMs(Date.UTC(2026, 0, 27, 10)),
        delivered: 9n,
        failed: 1n,
        attempts: 12n,
        failedAttempts: 3n,
        responseMsSum: 1_000n,
        responses: 8n,
      }),
      create(HourlyStatisticsSchema, { hour: timestampFromMs(Date.UTC(2026, 0, 27, 11)), failed: 1n }),
    );
    const { status, json } = await statistics('?from=2026-01-27&to=2026-01-28');
    expect(status).toBe(200);
    expect(json).toEqual({
      success: true,
      data: [
        {
          hour: '2026-01-27T10:00:00.000Z',
          delivered: 9,
          failed: 1,
          attempts: 12,
          failed_attempts: 3,
          average_response_ms: 125,
        },
        {
          hour: '2026-01-27T11:00:00.000Z',
          delivered: 0,
          failed: 1,
          attempts: 0,
          failed_attempts: 0,
          average_response_ms: null,
        },
      ],
      meta: { from: '2026-01-27T00:00:00.000Z', to: '2026-01-28T00:00:00.000Z' },
    });
  });

  it('cover the last day unless told otherwise', async () => {
    const { json } = await statistics();
    expect(Date.parse(json.meta.to) - Date.parse(json.meta.from)).toBe(86_400_000);
  });

  it.each(['?from=2026-01-01&to=2026-03-01', '?from=2026-01-02&to=2026-01-01', '?from=x', '?hours=3'])(
    'refuse %s',
    async (query) => {
      expect((await statistics(query)).status).toBe(400);
    },
  );
});
