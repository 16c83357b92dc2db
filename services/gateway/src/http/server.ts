import { randomUUID } from 'node:crypto';
import { requireApiKey } from '@grapnel/http-edge/authenticate';
import { answerClientError } from '@grapnel/http-edge/client-errors';
import { answerErrors, errorHandler } from '@grapnel/http-edge/error-handler';
import { readJsonBodies } from '@grapnel/http-edge/json-bodies';
import { refuseUnmatched } from '@grapnel/http-edge/methods';
import { validatorCompiler } from '@grapnel/http-edge/validation';
import { RpcError } from '@grapnel/rpc/errors';
import type { Readiness } from '@grapnel/runtime/health';
import type { Logger } from '@grapnel/runtime/logger';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { serveDocs } from './docs.ts';
import { observeRequests } from './observe.ts';
import { describeApi } from './openapi.ts';
import { readOnlyHint } from './read-only-fields.ts';
import type { Api } from './routes/api.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { eventRoutes } from './routes/events.ts';
import { jobWebhookRoutes } from './routes/job-webhooks.ts';
import { opsRoutes } from './routes/ops.ts';
import { publishRoute } from './routes/publish.ts';
import { replayRoutes } from './routes/replays.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { tailRoutes } from './routes/tails.ts';
import { templateRoutes } from './routes/templates.ts';
import { triggerRoutes } from './routes/triggers.ts';
import { webhookActionRoutes } from './routes/webhook-actions.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { problemOf } from './rpc-status.ts';
import { secureHeaders } from './security-headers.ts';
import { webhookFaults } from './webhook-faults.ts';

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
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void errorHandler(translate)(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  app.setValidatorCompiler(validatorCompiler({ unknownField: readOnlyHint, contentFaults: webhookFaults }) as never);
  app.setSerializerCompiler(checkAnswers ? serializerCompiler : () => JSON.stringify);
  readJsonBodies(app);
  observeRequests(app, api.clock);
  secureHeaders(app);
  endConnectionsOnClose(app, () => api.tails.endAll());
  answerErrors(app, translate);
  const unmatched = refuseUnmatched(app);
  app.setNotFoundHandler(unmatched);

  await describeApi(app);
  opsRoutes(app, readiness, telemetry);
  await app.register(
    async (v1) => {
      requireApiKey(v1, api.keys);
      v1.setNotFoundHandler(unmatched);
      const routes = v1.withTypeProvider<ZodTypeProvider>();
      webhookRoutes(routes, api);
      webhookActionRoutes(routes, api);
      jobWebhookRoutes(routes, api);
      templateRoutes(routes, api);
      deliveryRoutes(routes, api);
      replayRoutes(routes, api);
      tailRoutes(routes, api);
      eventRoutes(routes, api);
      await v1.register(async (events) => publishRoute(events, api));
      statisticsRoutes(routes, api);
      endpointRoutes(routes, api);
      triggerRoutes(routes, api);
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

/** What the services behind say. */
const translate = (error: unknown) => (error instanceof RpcError ? problemOf(error) : null);

/** A caller's own id is taken over when it can go into a log line and a header as it is. */
function acceptableId(given: string | string[] | undefined): string | null {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : null;
}
