import { exceedsDepth, type Json, MAX_JSON_DEPTH, parseJsonText } from '@grapnel/domain/json';
import { violation } from '@grapnel/domain/violation';
import type { FastifyInstance } from 'fastify';
import { MAX_BATCH_BYTES } from '../limits.ts';
import { BATCH_TYPE, STRUCTURED_TYPE } from './encoding.ts';
import { Refusal } from './refusal.ts';

/**
 * 1 MB of data may be up to three times as long when a producer escapes everything outside ASCII (Python's default);
 * what counts against the limit is the data, written compactly.
 */
export const MAX_BODY_BYTES = 3 * 1_048_576 + 65_536;
const MAX_BATCH_BODY_BYTES = MAX_BATCH_BYTES + 1_048_576;

const TYPES = [
  { type: 'application/json', limit: MAX_BODY_BYTES, envelopes: 1 },
  { type: STRUCTURED_TYPE, limit: MAX_BODY_BYTES, envelopes: 1 },
  { type: BATCH_TYPE, limit: MAX_BATCH_BODY_BYTES, envelopes: 2 },
];

/** JSON of the known types, with every digit of its numbers; an empty body is `undefined`. Other types: 415. */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  for (const { type, limit, envelopes } of TYPES) {
    server.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: limit }, (_request, bytes, done) => {
      try {
        done(null, bytes.length === 0 ? undefined : parsed(bytes as Buffer, envelopes));
      } catch (error) {
        done(error as Error);
      }
    });
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parsed(bytes: Buffer, envelopes: number): Json {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw Refusal.invalid([violation('body', 'INVALID_VALUE', 'is not valid UTF-8')]);
  }
  // Nothing but data may be nested, so a depth that is too great is the data's.
  if (exceedsDepth(text, MAX_JSON_DEPTH + envelopes)) {
    throw Refusal.invalid([violation('data', 'INVALID_VALUE', `is nested deeper than ${MAX_JSON_DEPTH} levels`)]);
  }
  const result = parseJsonText(text, MAX_JSON_DEPTH + envelopes);
  if (!result.ok) throw Refusal.invalid([violation('body', 'INVALID_VALUE', result.error)]);
  return result.value;
}
