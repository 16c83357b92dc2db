import type { FastifyInstance } from 'fastify';

/** No CORS headers: browsers of other origins have no business here unless an operator puts a proxy in front. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** For every answer; a route that shows a page replaces what it must. */
export function secureHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(HEADERS);
  });
}
