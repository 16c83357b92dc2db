import { MAX_DATA_BYTES } from '@grapnel/domain/event/event';
import { violation } from '@grapnel/domain/violation';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { readJsonBodies } from '../json-bodies.ts';
import { HttpProblem } from '../problem.ts';
import { BATCH_TYPE, NATIVE_TYPE, STRUCTURED_TYPE } from './encoding.ts';
import { type IncomingEvents, incomingEvents } from './incoming-event.ts';
import { MAX_BATCH_BODY_BYTES, MAX_EVENT_BODY_BYTES } from './limits.ts';
import { PublishEvent } from './schema.ts';

/** What became of an event that was stored. */
export interface Accepted {
  readonly eventId: string;
  readonly duplicate: boolean;
}

export interface EventRoute {
  /** Stores the events, which are in order, and answers for each; throws what the caller is told. */
  readonly publish: (
    incoming: IncomingEvents,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<readonly Accepted[]>;
  /** Told of what is refused before it comes to {@link publish}: the type that was said, if one was. */
  readonly refused?: (type: string) => void;
  /** For the OpenAPI document; the body's is added. */
  readonly schema: FastifySchema;
}

/**
 * `POST /events`, in our own form and as CloudEvents 1.0 (structured, binary, batch). Every edge that takes events has
 * this route, so that the same fault has the same answer everywhere. Wants a scope of its own, whose bodies it reads.
 */
export function addEventRoute(scope: FastifyInstance, { publish, refused, schema }: EventRoute): void {
  /** Requests that were read; what fails after that is for {@link publish} to count. */
  const read = new WeakSet<FastifyRequest>();
  readJsonBodies(scope, [
    { type: NATIVE_TYPE, limit: MAX_EVENT_BODY_BYTES, envelopes: 1, value: 'data' },
    { type: STRUCTURED_TYPE, limit: MAX_EVENT_BODY_BYTES, envelopes: 1, value: 'data' },
    { type: BATCH_TYPE, limit: MAX_BATCH_BODY_BYTES, envelopes: 2, value: 'data' },
  ]);
  scope.route({
    method: 'POST',
    url: '/events',
    schema: { ...schema, body: PublishEvent },
    // The schema is for the document: what is wrong in form and in content is said together, below.
    validatorCompiler: () => () => true,
    errorHandler: (error: unknown, request) => {
      const shown = (error as FastifyError).code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? tooLarge() : error;
      if (!read.has(request) && isRefusal(shown)) refused?.(typeSaid(request));
      throw shown;
    },
    async handler(request, reply) {
      const incoming = incomingEvents(request.headers, request.body);
      read.add(request);
      const accepted = await publish(incoming, request, reply);
      const events = accepted.map(({ eventId, duplicate }) => ({ event_id: eventId, duplicate }));
      return reply.code(202).send({ success: true, data: incoming.batch ? { events } : events[0] });
    },
  });
}

/** Not for want of a key, and not for a fault of ours. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof HttpProblem ? error.status : ((error as FastifyError).statusCode ?? 500);
  return status >= 400 && status < 500 && status !== 401 && status !== 429;
}

function typeSaid({ headers, body }: FastifyRequest): string {
  const said = headers['ce-type'] ?? (body as { readonly type?: unknown } | null | undefined)?.type;
  return typeof said === 'string' ? said : '';
}

function tooLarge(): HttpProblem {
  const message = `is too large: at most ${MAX_DATA_BYTES} bytes (1 MB) are allowed`;
  return HttpProblem.invalid([violation('data', 'TOO_LARGE', message)]);
}
