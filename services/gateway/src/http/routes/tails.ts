import { stillAllowed } from '@grapnel/http-edge/authenticate';
import { HttpProblem } from '@grapnel/http-edge/problem';
import type { CallOptions } from '@grapnel/rpc/client';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Backends } from '../../ports.ts';
import { TEXTS } from '../../texts.ts';
import { assertWebhook } from '../../use-cases/webhooks.ts';
import { deliveryJson } from '../../views/delivery.ts';
import { callOptions, goneSignal } from '../calls.ts';
import { problems } from '../schemas/answers.ts';
import { TailQuery } from '../schemas/delivery.ts';
import { type SseEvent, sendEvents } from '../sse.ts';
import { type Api, BEARER, checkWebhookId, type Routes, WebhookParams } from './api.ts';

const TRY_AGAIN_AFTER_SECONDS = 5;

const shared = {
  tags: ['Deliveries'],
  security: BEARER,
  querystring: TailQuery,
  description:
    'Server-sent events, one per thing that happens to a delivery: `event: delivery`, `id:` a cursor, `data:` the ' +
    'delivery (schema TailedDelivery). `Last-Event-ID` resumes. A comment comes every 15 seconds. The number of open ' +
    'tails is limited (429).',
  response: {
    200: {
      description: 'The stream; it ends only when a side goes away.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...problems(400, 404),
  },
};

/** Live tails of deliveries. */
export function tailRoutes(app: Routes, api: Api): void {
  app.route({
    method: 'GET',
    url: '/deliveries/tail',
    exposeHeadRoute: false,
    schema: { ...shared, operationId: 'tailDeliveries', summary: 'Follow the deliveries of all webhooks' },
    handler: (request, reply) => tail(api, '', cursorOf(request, request.query.cursor), request, reply),
  });

  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId/deliveries/tail',
    exposeHeadRoute: false,
    schema: {
      ...shared,
      operationId: 'tailWebhookDeliveries',
      summary: 'Follow the deliveries of a webhook',
      params: WebhookParams,
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const cursor = cursorOf(request, request.query.cursor);
      await assertWebhook(api.backends, webhookId, callOptions(request, reply));
      return tail(api, webhookId, cursor, request, reply);
    },
  });
}

// The reply itself is what a streaming handler returns; the route's types know JSON answers only.
function tail(
  { backends, keys, clock, tails }: Api,
  webhookId: string,
  afterCursor: bigint,
  request: FastifyRequest,
  reply: FastifyReply,
): never {
  const leave = tails.enter(request.tenant);
  if (leave === null)
    throw new HttpProblem(429, { error: TEXTS.tooManyTails }, { retryAfterSeconds: TRY_AGAIN_AFTER_SECONDS });
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, goneSignal(reply), tails.stopping]);
  const events = changes(backends, webhookId, afterCursor, { ...callOptions(request, reply), signal });
  return sendEvents(reply, events, {
    clock,
    goOn: () => stillAllowed(keys, request.headers.authorization),
    onEnd: (failure) => {
      leave();
      if (failure !== null && !signal.aborted) request.log.warn({ err: failure }, 'a live tail was interrupted');
      ended.abort();
    },
  }) as never;
}

async function* changes(
  { history }: Backends,
  webhookId: string,
  afterCursor: bigint,
  options: CallOptions,
): AsyncIterable<SseEvent> {
  for await (const { cursor, delivery } of history.tailDeliveries({ webhookId, afterCursor }, options)) {
    if (delivery === undefined) continue;
    yield { id: String(cursor), event: 'delivery', json: { cursor: String(cursor), ...deliveryJson(delivery) } };
  }
}

const MAX_CURSOR = 2n ** 63n;

/** 0 is “from now on”. */
function cursorOf(request: FastifyRequest, fromQuery: string | undefined): bigint {
  const header = request.headers['last-event-id'];
  const given = typeof header === 'string' && header !== '' ? header : (fromQuery ?? '0');
  if (/^\d{1,19}$/.test(given) && BigInt(given) < MAX_CURSOR) return BigInt(given);
  const field = given === header ? 'Last-Event-ID' : 'cursor';
  throw HttpProblem.invalid([{ field, code: 'INVALID_VALUE', message: 'must be the id of an event of this stream' }]);
}
