import { randomUUID } from 'node:crypto';
import type { Readiness } from '@grapnel/runtime/health';
import type { Logger } from '@grapnel/runtime/logger';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { TEXTS } from '../texts.ts';
import { requireApiKey } from './authenticate.ts';
import { parseBodies } from './body-parser.ts';
import { serveDocs } from './docs.ts';
import { answerError } from './error-handler.ts';
import { observeRequests } from './observe.ts';
import { describeApi } from './openapi.ts';
import { HttpProblem } from './problem.ts';
import type { Api } from './routes/api.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { eventRoutes } from './routes/events.ts';
import { opsRoutes } from './routes/ops.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { tailRoutes } from './routes/tails.ts';
import { webhookActionRoutes } from './routes/webhook-actions.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { secureHeaders } from './security-headers.ts';
import { validatorCompiler } from './validation.ts';

export interface HttpServerOptions {
  readonly api: Api;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry | null;
  readonly logger: Logger;
  /** Tests: an answer that is not what the OpenAPI document says fails. */
  readonly checkAnswers: boolean;
}

/** For every route that does not say otherwise. */
const BODY_LIMIT = 64 * 1_024;
const REQUEST_TIMEOUT_MS = 30_000;
const IDLE_CONNECTION_MS = 60_000;

export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { api, readiness, telemetry, logger, checkAnswers } = options;
  const loggerInstance: FastifyBaseLogger = logger;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: ({ headers }) => acceptableId(headers['x-request-id']) ?? randomUUID(),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Longer than the heartbeat of live tails.
    connectionTimeout: IDLE_CONNECTION_MS,
    // Beyond what Node lets into a request line: an id too long is an unknown id, not an error of its own.
    routerOptions: { maxParamLength: 65_536 },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      const body = JSON.stringify({ success: false, error: timedOut ? TEXTS.requestTimeout : TEXTS.badRequest });
      const head = `HTTP/1.1 ${timedOut ? '408 Request Timeout' : '400 Bad Request'}\r\nContent-Type: application/json\r\n`;
      socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
    },
  });
  app.setValidatorCompiler(validatorCompiler as never);
  app.setSerializerCompiler(checkAnswers ? serializerCompiler : () => JSON.stringify);
  parseBodies(app);
  observeRequests(app, api.clock);
  secureHeaders(app);
  endConnectionsOnClose(app, () => api.tails.endAll());
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(notFound);

  await describeApi(app);
  opsRoutes(app, readiness, telemetry);
  await app.register(
    async (v1) => {
      requireApiKey(v1, api.keys);
      v1.setNotFoundHandler(notFound);
      const routes = v1.withTypeProvider<ZodTypeProvider>();
      webhookRoutes(routes, api);
      webhookActionRoutes(routes, api);
      deliveryRoutes(routes, api);
      tailRoutes(routes, api);
      eventRoutes(routes, api);
      statisticsRoutes(routes, api);
    },
    { prefix: '/v1' },
  );
  await serveDocs(app);
  await app.ready();
  return app;
}

/** What is under way when the server closes is answered, and its connection not kept alive for more. */
function endConnectionsOnClose(app: FastifyInstance, endTails: () => void): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    endTails();
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    if (closing) void reply.header('connection', 'close');
    return payload;
  });
}

function notFound(): never {
  throw HttpProblem.notFound();
}

/** A caller's own id is taken over when it can go into a log line and a header as it is. */
function acceptableId(given: string | string[] | undefined): string | null {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : null;
}
