import { HttpProblem } from '@grapnel/http-edge/problem';
import type { CallOptions } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { z } from 'zod';
import type { Backends } from '../../ports.ts';
import { TEXTS } from '../../texts.ts';
import { replayDelivery } from '../../use-cases/replay-delivery.ts';
import { assertWebhook } from '../../use-cases/webhooks.ts';
import { deliveryJson, deliveryWithAttempts, statusOf } from '../../views/delivery.ts';
import { timestampOf } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { isRpcError } from '../rpc-status.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { AllDeliveriesQuery, DeliveriesQuery, DeliveryPage, DeliveryWithAttempts } from '../schemas/delivery.ts';
import { parseTime } from '../schemas/fields.ts';
import { NoBody } from '../schemas/no-body.ts';
import {
  type Api,
  BEARER,
  checkDeliveryId,
  checkWebhookId,
  DeliveryParams,
  type Routes,
  SUCCESS,
  WebhookParams,
} from './api.ts';

const shared = { tags: ['Deliveries'], security: BEARER };

/** AC-11 … AC-13. */
export function deliveryRoutes(app: Routes, { backends }: Api): void {
  const { history } = backends;

  app.route({
    method: 'GET',
    url: '/deliveries',
    schema: {
      ...shared,
      operationId: 'listDeliveries',
      summary: 'List the deliveries of all webhooks',
      description: 'Newest first. Filters can be combined; `meta.next_cursor` leads to the next page.',
      querystring: AllDeliveriesQuery,
      response: { 200: answer('One page.', DeliveryPage), ...problems(400, 404) },
    },
    async handler(request, reply) {
      const { webhook_id: webhookId, ...query } = request.query;
      const options = callOptions(request, reply);
      if (webhookId !== undefined) {
        checkWebhookId(webhookId);
        await assertWebhook(backends, webhookId, options);
      }
      return page(backends, webhookId ?? '', query, options);
    },
  });

  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId/deliveries',
    schema: {
      ...shared,
      operationId: 'listWebhookDeliveries',
      summary: 'List the deliveries of a webhook',
      description: 'Newest first. Filters can be combined; `meta.next_cursor` leads to the next page.',
      params: WebhookParams,
      querystring: DeliveriesQuery,
      response: { 200: answer('One page.', DeliveryPage), ...problems(400, 404) },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const options = callOptions(request, reply);
      await assertWebhook(backends, webhookId, options);
      return page(backends, webhookId, request.query, options);
    },
  });

  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId/deliveries/:deliveryId',
    schema: {
      ...shared,
      operationId: 'getDelivery',
      summary: 'Get a delivery with every attempt',
      description: 'What was sent and what was answered, attempt by attempt; headers that hold credentials are hidden.',
      params: DeliveryParams,
      response: { 200: answer('The delivery.', success(DeliveryWithAttempts)), ...problems(404) },
    },
    async handler(request, reply) {
      const { webhookId, deliveryId } = request.params;
      checkWebhookId(webhookId);
      checkDeliveryId(deliveryId);
      const options = callOptions(request, reply);
      await assertWebhook(backends, webhookId, options);
      const { delivery, attempts } = await orDeliveryNotFound(history.getDelivery({ webhookId, deliveryId }, options));
      if (delivery === undefined) throw new RpcError(Code.INTERNAL, `delivery ${deliveryId} came without its content`);
      return { ...SUCCESS, data: deliveryWithAttempts(delivery, attempts) };
    },
  });

  app.route({
    method: 'POST',
    url: '/webhooks/:webhookId/deliveries/:deliveryId/replay',
    schema: {
      ...shared,
      operationId: 'replayDelivery',
      summary: 'Send a delivery again',
      description:
        'Same payload bytes, same delivery id, new attempts; works again and again while the payload is kept.',
      params: DeliveryParams,
      body: NoBody,
      response: {
        200: answer(
          'On its way.',
          success(z.object({ delivery_id: z.string(), status: z.literal('pending') })).extend({
            message: z.literal(TEXTS.replayed),
          }),
        ),
        ...problems(400, 404, 409, 413, 415),
      },
    },
    async handler(request, reply) {
      const { webhookId, deliveryId } = request.params;
      checkWebhookId(webhookId);
      checkDeliveryId(deliveryId);
      const options = callOptions(request, reply);
      await assertWebhook(backends, webhookId, options);
      await orDeliveryNotFound(replayDelivery(backends, webhookId, deliveryId, options));
      return { ...SUCCESS, message: TEXTS.replayed, data: { delivery_id: deliveryId, status: 'pending' as const } };
    },
  });
}

async function page(
  { history }: Backends,
  webhookId: string,
  query: z.output<typeof DeliveriesQuery>,
  options: CallOptions,
): Promise<z.output<typeof DeliveryPage>> {
  const { limit = 100, offset = 0, status, from, to, cursor } = query;
  if (cursor !== undefined && query.offset !== undefined) {
    throw HttpProblem.invalid([{ field: 'cursor', code: 'INVALID_VALUE', message: 'cannot be combined with offset' }]);
  }
  checkOrder(from, to);
  const { deliveries, nextPageToken } = await history.listDeliveries(
    {
      webhookId,
      statuses: status === undefined ? [] : [statusOf(status)],
      ...(from !== undefined && { from: timestampOf(parseTime(from) ?? 0) }),
      ...(to !== undefined && { to: timestampOf(parseTime(to) ?? 0) }),
      pageSize: limit,
      offset,
      pageToken: cursor ?? '',
    },
    options,
  );
  return {
    ...SUCCESS,
    data: deliveries.map(deliveryJson),
    meta: {
      limit,
      offset,
      filters: { status: status ?? null, from: from ?? null, to: to ?? null },
      next_cursor: nextPageToken === '' ? null : nextPageToken,
    },
  };
}

/** An interval that holds nothing is a mistake of the caller's, not an empty page. */
export function checkOrder(from: string | undefined, to: string | undefined): void {
  if (from === undefined || to === undefined) return;
  if ((parseTime(from) ?? 0) <= (parseTime(to) ?? 0)) return;
  throw HttpProblem.invalid([{ field: 'to', code: 'INVALID_VALUE', message: 'must not be before from' }]);
}

function orDeliveryNotFound<T>(call: Promise<T>): Promise<T> {
  return call.catch((error: unknown) => {
    throw isRpcError(error, Code.NOT_FOUND) ? HttpProblem.notFound(TEXTS.deliveryNotFound) : error;
  });
}
