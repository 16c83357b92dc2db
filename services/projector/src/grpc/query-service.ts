import { type GetHourlyStatisticsRequest, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { DeliveryId, WebhookId } from '@grapnel/domain/ids';
import { violation } from '@grapnel/domain/violation';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import type { Clock } from '@grapnel/runtime/clock';
import type { History } from '../ports.ts';
import { pageToken } from '../queries/page-token.ts';
import { type Tail, TooManySubscribers } from '../tail/tail.ts';
import { checkList } from './check-list.ts';
import { Checks } from './checks.ts';
import { answering } from './errors.ts';
import { attemptMessage, deliveryMessage, hourMessage, totalsMessage } from './to-proto.ts';

const MAX_WEBHOOK_IDS = 1_000;
const DEFAULT_HOURS = 24;
const MAX_HOURS = 31 * 24;
const HOUR_MS = 3_600_000;

export interface QueryServiceParts {
  readonly history: History;
  readonly tail: Tail;
  readonly clock: Clock;
}

/** `grapnel.query.v1.QueryService`: every answer is of one tenant. */
export function queryService({ history, tail, clock }: QueryServiceParts): Registration {
  return register(QueryService, 'tenant', {
    listDeliveries: (request, { principal }) =>
      answering(async () => {
        const query = checkList(request, tenantOf(principal));
        // One more than asked for tells whether there is another page.
        const found = await history.list({ ...query, limit: query.limit + 1 });
        const page = found.slice(0, query.limit);
        const last = page.at(-1);
        const more = found.length > page.length && last !== undefined;
        return { deliveries: page.map(deliveryMessage), nextPageToken: more ? pageToken(last, query) : '' };
      }),

    getDelivery: (request, { principal }) =>
      answering(async () => {
        const checks = new Checks();
        const webhookId = checks.webhookId(request.webhookId);
        const id = checks.deliveryId(request.deliveryId);
        checks.done();
        const tenant = tenantOf(principal);
        const delivery = await history.get(tenant, webhookId, id as DeliveryId);
        if (delivery === null) throw RpcError.notFound('Delivery', request.deliveryId);
        const attempts = await history.attempts(tenant, delivery);
        return { delivery: deliveryMessage(delivery), attempts: attempts.map(attemptMessage) };
      }),

    getWebhookStatistics: (request, { principal }) =>
      answering(async () => {
        const totals = await history.totals(tenantOf(principal), webhookIds(request.webhookIds));
        return { statistics: totals.map(totalsMessage) };
      }),

    getHourlyStatistics: (request, { principal }) =>
      answering(async () => {
        const { webhookId, from, to } = checkHours(request, clock.now());
        const hours = await history.hours(tenantOf(principal), webhookId, from, to);
        return { hours: hours.map(hourMessage) };
      }),

    async *tailDeliveries(request, { principal, signal }) {
      const checks = new Checks();
      const webhookId = checks.webhookId(request.webhookId);
      if (request.afterCursor > BigInt(Number.MAX_SAFE_INTEGER)) {
        checks.add(violation('after_cursor', 'TOO_LARGE', 'is not a cursor of this stream'));
      }
      checks.done();
      const subscription = { tenant: tenantOf(principal), webhookId, after: Number(request.afterCursor) };
      try {
        for await (const { cursor, delivery } of tail.follow(subscription, signal)) {
          yield { cursor: BigInt(cursor), delivery: deliveryMessage(delivery) };
        }
      } catch (error) {
        if (!(error instanceof TooManySubscribers)) throw error;
        throw new RpcError(Code.RESOURCE_EXHAUSTED, error.message, { retryAfterMs: 5_000 });
      }
    },
  });
}

function webhookIds(values: readonly string[]): WebhookId[] {
  const checks = new Checks();
  if (values.length > MAX_WEBHOOK_IDS) {
    checks.add(violation('webhook_ids', 'TOO_LONG', `may have at most ${MAX_WEBHOOK_IDS} entries`));
    checks.done();
  }
  const ids = values.map((value, i) => {
    const id = checks.webhookId(value, `webhook_ids[${i}]`);
    if (value === '') checks.add(violation(`webhook_ids[${i}]`, 'REQUIRED', 'must not be empty'));
    return id;
  });
  checks.done();
  return [...new Set(ids.filter((id) => id !== null))];
}

/** By default the last 24 hours. */
function checkHours(request: GetHourlyStatisticsRequest, now: number) {
  const checks = new Checks();
  const webhookId = checks.webhookId(request.webhookId);
  const period = checks.period(request.from, request.to);
  const to = period.to ?? now + 1;
  const from = period.from ?? to - DEFAULT_HOURS * HOUR_MS;
  if (to - from > MAX_HOURS * HOUR_MS) {
    checks.add(violation('from', 'TOO_SMALL', `may be at most ${MAX_HOURS} hours before to`));
  }
  checks.done();
  return { webhookId, from, to };
}
