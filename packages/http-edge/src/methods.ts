import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';
import { EDGE_TEXTS } from './texts.ts';

/** What an unmatched request gets: 405 with `Allow` where its path has other methods, else 404. */
export type NotFoundHandler = (request: FastifyRequest) => never;

/** Remembers the routes that are added after it. */
export function refuseUnmatched(app: FastifyInstance): NotFoundHandler {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  return (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods));
    if (allowed.size === 0) throw HttpProblem.notFound();
    const allow = [...allowed].toSorted().join(', ');
    throw new HttpProblem(405, { error: EDGE_TEXTS.methodNotAllowed(allow) }, { allow });
  };
}

/** `/webhooks/:webhookId` matches one segment for each name. */
function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment === '*' ? '.*' : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
