import { RpcError } from '@grapnel/rpc/errors';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { TEXTS } from '../texts.ts';
import { HttpProblem } from './problem.ts';
import { problemOf } from './rpc-status.ts';

/** Every failure becomes `{"success":false,"error":…}`; what nobody meant to show goes to the log alone. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = asProblem(error, request);
  if (problem.status >= 500) {
    request.log.error({ err: error, route: request.routeOptions.url, status: problem.status }, 'a request failed');
  }
  if (problem.retryAfterSeconds !== null) void reply.header('retry-after', String(problem.retryAfterSeconds));
  return reply
    .code(problem.status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problem.body);
}

function asProblem(error: unknown, request: FastifyRequest): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof RpcError) return problemOf(error);
  switch ((error as FastifyError).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem(413, { error: TEXTS.bodyTooLarge(request.routeOptions.bodyLimit) });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem(415, { error: TEXTS.jsonRequired });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new HttpProblem(400, { error: TEXTS.badRequest });
    case 'FST_ERR_BAD_URL':
      return new HttpProblem(400, { error: TEXTS.badUrl });
    default:
      return new HttpProblem(500, { error: TEXTS.internalError });
  }
}
