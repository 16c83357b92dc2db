import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';
import { EDGE_TEXTS } from './texts.ts';

/** What a failure of the service's own kind is to its caller; `null` for what is not of that kind. */
export type Translate = (error: unknown) => HttpProblem | null;

/** Every failure becomes `{"success":false,"error":…}`; what nobody meant to show goes to the log alone. */
export function answerErrors(app: FastifyInstance, translate: Translate): void {
  app.setErrorHandler(errorHandler(translate));
}

/** The same for what fails before there is a route. */
export function errorHandler(translate: Translate) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = error instanceof HttpProblem ? error : (translate(error) ?? ofFramework(error, request));
    if (problem.status >= 500) {
      request.log.error({ err: error, route: request.routeOptions.url, status: problem.status }, 'a request failed');
    }
    return reply
      .code(problem.status)
      .headers(problem.headers)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(problem.body);
  };
}

function ofFramework(error: unknown, request: FastifyRequest): HttpProblem {
  switch ((error as FastifyError).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem(413, { error: EDGE_TEXTS.bodyTooLarge(request.routeOptions.bodyLimit) });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem(415, { error: EDGE_TEXTS.contentType(['application/json']) });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new HttpProblem(400, { error: EDGE_TEXTS.badRequest });
    case 'FST_ERR_BAD_URL':
      return new HttpProblem(400, { error: EDGE_TEXTS.badUrl });
    default:
      return new HttpProblem(500, { error: EDGE_TEXTS.internalError });
  }
}
