import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EventSchema } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';
import type { PublishResult } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import type { IncomingEvents } from '@grapnel/http-edge/events/incoming-event';
import { type Accepted, addEventRoute } from '@grapnel/http-edge/events/routes';
import { Published } from '@grapnel/http-edge/events/schema';
import { HttpProblem, retryAfter } from '@grapnel/http-edge/problem';
import type { CallOptions } from '@grapnel/rpc/client';
import { Code, codeOf, RpcError } from '@grapnel/rpc/errors';
import type { FastifyInstance } from 'fastify';
import type { Backends } from '../../ports.ts';
import { timestampOf } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { type Api, BEARER } from './api.ts';

/** The way in for producers that speak HTTP; the rules are those of ingest's own HTTP edge. */
export function publishRoute(scope: FastifyInstance, { backends }: Api): void {
  addEventRoute(scope, {
    schema: {
      tags: ['Events'],
      security: BEARER,
      operationId: 'publishEvent',
      summary: 'Publish an event',
      description:
        'Answers after the event is stored, never before. After 503 or 504 send it again with the same id. CloudEvents ' +
        '1.0 are taken too: structured, batch (all or nothing) and binary (`ce-…` headers).',
      response: { 202: answer('Stored.', success(Published)), ...problems(400, 409, 413, 415) },
    },
    publish: (incoming, request, reply) => store(backends, incoming, callOptions(request, reply)),
  });
}

async function store(
  { ingest }: Backends,
  { batch, events }: IncomingEvents,
  options: CallOptions,
): Promise<readonly Accepted[]> {
  const messages = events.map(messageOf);
  try {
    if (!batch) return await Promise.all(messages.map((event) => ingest.publish({ event }, options)));
    if (messages.length === 0) return [];
    const { results } = await ingest.publishBatch({ events: messages }, options);
    return results.map(acceptedOrThrow);
  } catch (error) {
    throw error instanceof RpcError ? unconfirmed(error) : error;
  }
}

function messageOf({ input, traceparent }: IncomingEvents['events'][number]): MessageInitShape<typeof EventSchema> {
  const { id, type, jobId, taskId, tags, time, data } = input;
  return {
    id: id ?? '',
    type,
    jobId: jobId ?? '',
    taskId: taskId ?? '',
    ...(tags !== undefined && { tags: [...tags] }),
    ...(time !== null && { time: timestampOf(time) }),
    ...(traceparent !== null && { traceparent }),
    data,
  };
}

function acceptedOrThrow({ outcome }: PublishResult): Accepted {
  switch (outcome.case) {
    case 'accepted':
      return outcome.value;
    case 'error': {
      const { code, message, fields, retryDelay } = outcome.value;
      const violations = fields.map(({ field, message: text, reason }) => ({ field, message: text, code: reason }));
      const retryAfterMs = retryDelay && Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1e6;
      throw new RpcError(codeOf(code), message, {
        ...(violations.length > 0 && { violations }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    }
    default:
      throw new RpcError(Code.INTERNAL, 'ingest answered without an outcome');
  }
}

/** Ingest's own words tell what is known of the event; without a delay they are the transport's, which stay inside. */
function unconfirmed(error: RpcError): Error {
  const { retryAfterMs } = error.details;
  if (error.code !== Code.UNAVAILABLE || retryAfterMs === undefined) return error;
  return new HttpProblem(503, { error: error.message }, { retryAfterSeconds: retryAfter(retryAfterMs) });
}
