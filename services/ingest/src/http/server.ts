import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import { answerClientError } from '@grapnel/http-edge/client-errors';
import { answerErrors, errorHandler } from '@grapnel/http-edge/error-handler';
import { readJsonBodies } from '@grapnel/http-edge/json-bodies';
import { refuseUnmatched } from '@grapnel/http-edge/methods';
import type { Logger } from '@grapnel/runtime/logger';
import { answer, type OpsServerOptions } from '@grapnel/runtime/ops-server';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler } from 'fastify-type-provider-zod';
import type { AcceptEvents } from '../accept-events.ts';
import type { ApiKeys } from '../ports.ts';
import { addEventRoutes } from './event-routes.ts';
import { addTriggerRoutes, type TriggerRoutesOptions } from './trigger-routes.ts';

export interface HttpOptions extends Pick<OpsServerOptions, 'host' | 'port' | 'readiness' | 'telemetry'> {
  readonly accept: AcceptEvents;
  readonly keys: ApiKeys;
  readonly triggers: TriggerRoutesOptions;
  readonly logger: Logger;
}

export interface HttpEdge extends AsyncDisposable {
  readonly url: string;
}

/** A body that drips in more slowly than this is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Every failure of this service that a caller may hear of is a problem already. */
const noOther = (): null => null;

/** The HTTP edge: events, and what operators ask. Disposing it lets what is under way finish. */
export async function startHttpEdge(options: HttpOptions): Promise<HttpEdge> {
  const { host, port, logger, accept, keys } = options;
  const loggerInstance: FastifyBaseLogger = logger;
  const server: FastifyInstance = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void errorHandler(noOther)(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  server.setSerializerCompiler(serializerCompiler);
  answerErrors(server, noOther);
  const unmatched = refuseUnmatched(server);
  server.setNotFoundHandler(unmatched);
  readJsonBodies(server);
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Grapnel ingest', version: '1' },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  addOpsRoutes(server, options);
  await server.register(
    async (v1) => {
      addEventRoutes(v1, accept, keys);
      v1.setNotFoundHandler(unmatched);
    },
    { prefix: '/v1' },
  );
  await server.register(async (scope) => addTriggerRoutes(scope, options.triggers));
  await server.listen({ host, port });
  const { port: bound } = server.server.address() as AddressInfo;
  return { url: `http://${host}:${bound}`, [Symbol.asyncDispose]: () => server.close() };
}

function addOpsRoutes(server: FastifyInstance, options: HttpOptions): void {
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    server.get(path, { schema: { hide: true } }, async (request, reply) => {
      const { status, type, body } = await answer(request.url, options);
      return reply.code(status).header('content-type', type).send(body);
    });
  }
  server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger());
}
