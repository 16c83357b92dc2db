import { exceedsDepth, type Json, MAX_JSON_DEPTH, parseJsonText } from '@grapnel/domain/json';
import { violation } from '@grapnel/domain/violation';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';
import { EDGE_TEXTS } from './texts.ts';

/** A content type that is JSON. */
export interface JsonType {
  readonly type: string;
  /** Bytes of the body; absent: what the route or the server allows. */
  readonly limit?: number;
  /** Objects and arrays round the value whose depth is limited. */
  readonly envelopes?: number;
  /** That value's name. */
  readonly value?: string;
}

const PLAIN: readonly JsonType[] = [{ type: 'application/json' }];

/**
 * Takes bodies of these types alone, replacing what was taken before. Numbers that a double cannot hold keep their
 * digits. An empty body is no body whatever its type says: AnyCrawl's SDK sends `application/json` with every request.
 */
export function readJsonBodies(app: FastifyInstance, types: readonly JsonType[] = PLAIN): void {
  app.removeAllContentTypeParsers();
  for (const type of types) {
    const limit = type.limit === undefined ? {} : { bodyLimit: type.limit };
    app.addContentTypeParser<Buffer>(type.type, { parseAs: 'buffer', ...limit }, (request, body, done) => {
      try {
        done(null, body.length === 0 ? undefined : parsed(request, body, type));
      } catch (error) {
        done(error as Error);
      }
    });
  }
  const names = types.map(({ type }) => type);
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    done(new HttpProblem(415, { error: EDGE_TEXTS.contentType(names) }));
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parsed(request: FastifyRequest, bytes: Buffer, { envelopes = 0, value = 'body' }: JsonType): Json {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new HttpProblem(415, { error: EDGE_TEXTS.contentEncoding }, { acceptEncoding: 'identity' });
  }
  const text = decoded(bytes);
  const depth = MAX_JSON_DEPTH + envelopes;
  if (exceedsDepth(text, depth)) {
    const message = `is nested deeper than ${MAX_JSON_DEPTH} levels`;
    throw HttpProblem.invalid([violation(value, 'INVALID_VALUE', message)]);
  }
  const result = parseJsonText(text, depth);
  if (!result.ok) throw HttpProblem.invalid([violation('body', 'INVALID_VALUE', result.error)]);
  return result.value;
}

function decoded(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw HttpProblem.invalid([violation('body', 'INVALID_VALUE', 'is not valid UTF-8')]);
  }
}
