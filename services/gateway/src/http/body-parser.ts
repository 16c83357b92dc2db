import { parseJsonBytes } from '@grapnel/domain/json';
import type { FastifyInstance } from 'fastify';
import { TEXTS } from '../texts.ts';
import { HttpProblem } from './problem.ts';

/**
 * JSON only. Numbers that a double cannot hold keep their digits (domain/json). An empty body is no body whatever the
 * content type says: AnyCrawl's SDK sends `application/json` with every request.
 */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    const parsed = parseJsonBytes(body as Buffer);
    if (parsed.ok) return done(null, parsed.value);
    done(new HttpProblem(400, { error: TEXTS.bodyNotJson(parsed.error) }));
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    done(new HttpProblem(415, { error: TEXTS.jsonRequired }));
  });
}
