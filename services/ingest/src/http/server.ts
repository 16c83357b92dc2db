import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import type { Logger } from '@grapnel/runtime/logger';
import { answer, type OpsServerOptions } from '@grapnel/runtime/ops-server';
import { type FastifyInstance, fastify } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { AcceptEvents } from '../accept-events.ts';
import type { ApiKeys } from '../ports.ts';
import { encodingConstraint } from './encoding.ts';
import { answerError } from './errors.ts';
import { addEventRoutes, EVENTS_PATH } from './event-routes.ts';
import { readJsonBodies } from './request-body.ts';

export interface HttpOptions extends Pick<OpsServerOptions, 'host' | 'port' | 'readiness' | 'telemetry'> {
  readonly accept: AcceptEvents;
  readonly keys: ApiKeys;
  readonly logger: Logger;
}

export interface HttpEdge extends AsyncDisposable {
  readonly url: string;
}

const OPS_PATHS = ['/healthz', '/readyz', '/metrics'];
const OPENAPI_PATH = '/openapi.json';
/** A body that drips in more slowly than this is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP edge: events, and what operators ask. Disposing it lets what is under way finish. */
export async function startHttpEdge(options: HttpOptions): Promise<HttpEdge> {
  const { host, port, logger, accept, keys } = options;
  const server = fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    routerOptions: { constraints: { encoding: encodingConstraint } },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, logger),
  }) as unknown as FastifyInstance;
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger));
  server.setNotFoundHandler((request, reply) => {
    const allowed = allowedOn(request.url.split('?', 1)[0] as string);
    if (allowed === null) return reply.code(404).send({ success: false, error: 'Not found' });
    return reply
      .code(405)
      .header('allow', allowed)
      .send({ success: false, error: `Method not allowed; use ${allowed}` });
  });
  readJsonBodies(server);
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Grapnel ingest', version: '1' },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  await server.register(async (scope) => {
    addEventRoutes(scope, accept, keys);
    addOpsRoutes(scope, options);
  });
  await server.listen({ host, port });
  const { port: bound } = server.server.address() as AddressInfo;
  return { url: `http://${host}:${bound}`, [Symbol.asyncDispose]: () => server.close() };
}

function addOpsRoutes(server: FastifyInstance, options: HttpOptions): void {
  for (const path of OPS_PATHS) {
    server.get(path, { schema: { hide: true } }, async (request, reply) => {
      const { status, type, body } = await answer(request.url, options);
      return reply.code(status).header('content-type', type).send(body);
    });
  }
  server.get(OPENAPI_PATH, { schema: { hide: true } }, () => server.swagger());
}

function allowedOn(path: string): string | null {
  if (path === EVENTS_PATH) return 'POST';
  return [...OPS_PATHS, OPENAPI_PATH].includes(path) ? 'GET, HEAD' : null;
}
