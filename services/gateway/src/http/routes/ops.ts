import type { Readiness } from '@grapnel/runtime/health';
import { answer } from '@grapnel/runtime/ops-server';
import type { Telemetry } from '@grapnel/runtime/telemetry';
import type { FastifyInstance } from 'fastify';

/** The same three paths as on the ops port, for set-ups with one port only, and the one that AnyCrawl's clients ask. */
export function opsRoutes(app: FastifyInstance, readiness: Readiness, telemetry: Telemetry | null): void {
  app.get('/health', { schema: { hide: true } }, () => ({ status: 'ok' }));
  for (const url of ['/healthz', '/readyz', '/metrics']) {
    app.get(url, { schema: { hide: true } }, async (_request, reply) => {
      const { status, type, body } = await answer(url, { readiness, telemetry });
      return reply.code(status).type(type).send(body);
    });
  }
}
