import { createHash } from 'node:crypto';
import reference from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import { type OpenApiDocument, openApiDocument } from './openapi.ts';

/** `/openapi.json`, and `/docs`, a page that shows it and loads nothing from anywhere else; `/` points to both. */
export async function serveDocs(app: FastifyInstance): Promise<void> {
  app.get('/', { schema: { hide: true } }, async () => POINTERS);

  let document: OpenApiDocument | null = null;
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= openApiDocument(app);
    return reply.header('cache-control', 'public, max-age=60').send(document);
  });

  await app.register(async (docs) => {
    docs.addHook('onSend', async (_request, reply, payload) => {
      const type = String(reply.getHeader('content-type') ?? '');
      if (type.startsWith('text/html')) void reply.header('content-security-policy', pagePolicy(String(payload)));
      if (type.startsWith('application/javascript')) void reply.header('cache-control', 'public, max-age=3600');
      return payload;
    });
    await docs.register(reference, {
      routePrefix: '/docs',
      configuration: {
        url: '/openapi.json',
        pageTitle: 'Grapnel API',
        // The package would fetch its fonts from a server of its maker's.
        withDefaultFonts: false,
        telemetry: false,
        hideClientButton: true,
        // Its maker's toolbar: sharing, generators, deployment.
        showDeveloperTools: 'never',
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
  });
}

const POINTERS = { name: 'Grapnel', docs: '/docs', openapi: '/openapi.json', api: '/v1' };

/** Only the page's own scripts, and no other host for anything. */
function pagePolicy(html: string): string {
  const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src 'self' ${inline.join(' ')}`.trimEnd(),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
