import type { Json } from '@grapnel/domain/json';
import { unreachable } from '@grapnel/domain/result';
import { HOPS_HEADER, hopsOf, MAX_HOPS } from '@grapnel/domain/trigger/hops';
import { TRIGGER_LIMITS } from '@grapnel/domain/trigger/trigger';
import { readJsonBodies } from '@grapnel/http-edge/json-bodies';
import { HttpProblem } from '@grapnel/http-edge/problem';
import { queryOf, queryStructure } from '@grapnel/http-edge/query-structure';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ReceiveContext, type Received, receiveCall } from '../triggers/receive-call.ts';
import type { KnownTrigger, Triggers } from '../triggers/trigger-directory.ts';
import { acceptedOrProblem } from './replies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any body is read. */
    trigger: KnownTrigger | null;
  }
}

export interface TriggerRoutesOptions extends ReceiveContext {
  readonly triggers: Triggers;
}

const RETRY_AFTER_SECONDS = 1;

/** `POST /triggers/<token>`: the token is the key. Other methods are answered 405 with `Allow: POST` (NB-02). */
export function addTriggerRoutes(scope: FastifyInstance, options: TriggerRoutesOptions): void {
  const { triggers } = options;
  readJsonBodies(scope, [{ type: 'application/json', limit: TRIGGER_LIMITS.body.max }]);
  scope.decorateRequest('trigger', null);
  scope.route<{ Params: { token: string } }>({
    method: 'POST',
    url: '/triggers/:token',
    bodyLimit: TRIGGER_LIMITS.body.max,
    schema: { hide: true },
    async onRequest(request, reply) {
      const trigger = knownTrigger(triggers, request.params.token);
      if (!trigger.admits(request.headers.authorization)) return unauthorized(reply);
      if (hopsIn(request) >= MAX_HOPS) return looped(reply);
      request.trigger = trigger;
    },
    async handler(request, reply) {
      const { trigger } = request;
      if (trigger === null) throw HttpProblem.notFound();
      const traceparent = request.headers['traceparent']?.toString() ?? null;
      return send(reply, await receiveCall(options, trigger, callIn(request), { traceparent, hops: hopsIn(request) }));
    },
  });
}

/** A disabled trigger is as unknown as one that never was (NB-01). */
function knownTrigger(triggers: Triggers, token: string): KnownTrigger {
  const trigger = triggers.byToken(token);
  if (trigger?.enabled) return trigger;
  const problem = trigger === null ? triggers.problem() : null;
  if (problem === null) throw HttpProblem.notFound();
  throw new HttpProblem(503, { error: problem }, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('www-authenticate', 'Basic realm="trigger", charset="UTF-8"')
    .send({ success: false, error: 'The user name or password is missing or wrong' });
}

const hopsIn = ({ headers }: FastifyRequest): number => hopsOf(headers[HOPS_HEADER.toLowerCase()]?.toString());

function looped(reply: FastifyReply): FastifyReply {
  const error = `Loop detected: this call has come through ${MAX_HOPS} triggers; does a webhook or a flow call the trigger it comes from?`;
  return reply.code(508).send({ success: false, error });
}

function callIn({ headers, url, body }: FastifyRequest) {
  const plain = Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')] as const);
  return { headers: Object.fromEntries(plain), query: queryStructure(queryOf(url)), body: (body ?? null) as Json };
}

function send(reply: FastifyReply, received: Received): FastifyReply {
  switch (received.kind) {
    case 'fixed':
      return answer(reply, received.response);
    case 'refused':
      // What was not accepted is always a problem.
      return reply.send(acceptedOrProblem(received.outcome));
    case 'flow':
      return endOf(reply, received);
    default:
      return unreachable(received);
  }
}

/** NB-08. Why a flow failed is its tenant's business, and is found under the execution. */
function endOf(reply: FastifyReply, { execution, end }: Extract<Received, { kind: 'flow' }>): FastifyReply {
  const said = { execution_id: execution };
  switch (end.kind) {
    case 'response':
      return answer(reply, end.response);
    case 'completed':
      return reply.code(200).send({ success: true, data: said });
    case 'failed':
      if (end.failure.code !== 'TIMED_OUT') return failed(reply, 500, 'The flow failed', said);
      return failed(reply.header('connection', 'close'), 408, 'The flow did not answer in time', said);
    case 'unavailable':
      return failed(reply, 500, 'The flow could not be finished', said);
    default:
      return unreachable(end);
  }
}

const failed = (reply: FastifyReply, status: number, error: string, data: object): FastifyReply =>
  reply.code(status).send({ success: false, error, data });

function answer(
  reply: FastifyReply,
  { status, headers, body }: { readonly status: number; readonly headers: object; readonly body: string },
): FastifyReply {
  // Bytes are sent as they are, whatever their type is. Tenants share this origin: a page of one must not act on another's.
  return reply
    .code(status)
    .header('content-type', 'text/plain; charset=utf-8')
    .headers(headers)
    .header('content-security-policy', 'sandbox')
    .send(Buffer.from(body));
}
