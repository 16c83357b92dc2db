import { type BodyLimit, DEFAULT_MAX_BODY_BYTES, refusalBody, statusOf } from './answer.ts';
import type { Receiver } from './receive.ts';

/** What is needed of a Fastify instance. */
export interface FastifyApp {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    options: { parseAs: 'buffer'; bodyLimit: number },
    parse: (request: unknown, body: Buffer, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  post(url: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown;
}

export interface FastifyRequest {
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: unknown;
}

export interface FastifyReply {
  readonly sent: boolean;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(payload?: unknown): unknown;
}

export interface FastifyRoute<E> extends BodyLimit {
  readonly url: string;
  readonly receiver: Receiver<E>;
  /** Called with verified events alone. When it has not answered itself, the answer is 204. */
  handle(event: E, request: FastifyRequest, reply: FastifyReply): unknown;
}

/**
 * A plugin with one route, which leaves the bodies of all other routes to Fastify's parsers.
 *
 * @example
 * ```ts
 * app.register(fastifyWebhook({ url: '/hook', receiver: anyCrawlReceiver({ secret }), handle: (event) => enqueue(event) }));
 * ```
 */
export function fastifyWebhook<E>(route: FastifyRoute<E>): (app: FastifyApp) => Promise<void> {
  const { receiver, url, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = route;
  return async (app) => {
    // A plugin has parsers of its own: here every body stays as it came.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
      done(null, body),
    );
    app.post(url, async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : '';
      const received = receiver.receive({ headers: request.headers, body });
      if (!received.valid) {
        reply.code(statusOf(received.reason));
        reply.header('content-type', 'application/json');
        return reply.send(refusalBody(received.reason));
      }
      await route.handle(received.event, request, reply);
      if (!reply.sent) {
        reply.code(204);
        reply.send();
      }
      return reply;
    });
  };
}
