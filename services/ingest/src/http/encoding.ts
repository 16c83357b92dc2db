import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyServerOptions } from 'fastify';

/** In which form a request brings events: our own, or one of the three of CloudEvents 1.0 over HTTP. */
export type Encoding = 'native' | 'structured' | 'binary' | 'batch';

export const STRUCTURED_TYPE = 'application/cloudevents+json';
export const BATCH_TYPE = 'application/cloudevents-batch+json';

export function encodingOf(headers: IncomingHttpHeaders): Encoding {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === STRUCTURED_TYPE) return 'structured';
  if (type === BATCH_TYPE) return 'batch';
  return 'ce-specversion' in headers || 'ce-id' in headers ? 'binary' : 'native';
}

type Constraints = NonNullable<NonNullable<FastifyServerOptions['routerOptions']>['constraints']>;

/** Lets one path have a route for each encoding. */
export const encodingConstraint: Constraints[string] = {
  name: 'encoding',
  storage() {
    const handlers = new Map<unknown, never>();
    return {
      get: (encoding) => handlers.get(encoding) ?? null,
      set: (encoding, handler) => void handlers.set(encoding, handler as never),
    };
  },
  deriveConstraint: (request: IncomingMessage) => encodingOf(request.headers),
  validate() {},
  mustMatchWhenDerived: false,
};
