import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BodyLimit, DEFAULT_MAX_BODY_BYTES, type RequestRefusal, refusalBody, statusOf } from './answer.ts';
import type { Receiver } from './receive.ts';

/** Express' request is Node's, with the `body` that a body parser may have left. */
export type ExpressRequest = IncomingMessage & { readonly body?: unknown; readonly rawBody?: unknown };

export type ExpressHandler<E, Req, Res> = (event: E, request: Req, response: Res) => unknown;

/**
 * A handler for one route. It calls `handle` with verified events alone, and answers 204 when `handle` is done and has
 * not answered itself; what it throws goes to Express. Everything else is answered with 401 (400 or 413 where that fits).
 *
 * The signature covers the body as it was sent: mount the route before `express.json()`, or give it `express.raw()`, or
 * let the parser keep the bytes as `request.rawBody`.
 *
 * @example
 * ```ts
 * app.post('/hook', expressHandler(anyCrawlReceiver({ secret }), async (event) => {
 *   if (event.type === 'scrape.completed') await enqueue(event.data.job_id);
 * }));
 * ```
 */
export function expressHandler<
  E,
  Req extends ExpressRequest = ExpressRequest,
  Res extends ServerResponse = ServerResponse,
>(
  receiver: Receiver<E>,
  handle: ExpressHandler<E, Req, Res>,
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES }: BodyLimit = {},
): (request: Req, response: Res, next: (error?: unknown) => void) => void {
  const respond = async (request: Req, response: Res): Promise<void> => {
    const body = await rawBodyOf(request, maxBodyBytes);
    if (body === null) return refuse(response, 'too_large');
    const received = receiver.receive({ headers: request.headers, body });
    if (!received.valid) return refuse(response, received.reason);
    await handle(received.event, request, response);
    if (!response.headersSent) response.writeHead(204).end();
  };
  return (request, response, next) => {
    respond(request, response).catch(next);
  };
}

function refuse(response: ServerResponse, reason: RequestRefusal): void {
  // The connection ends with a body that is too large.
  const rest: Record<string, string> = reason === 'too_large' ? { connection: 'close' } : {};
  response.writeHead(statusOf(reason), { 'content-type': 'application/json', ...rest });
  response.end(refusalBody(reason));
}

/** `null` when it is longer than allowed. */
async function rawBodyOf(request: ExpressRequest, maxBytes: number): Promise<Uint8Array | null> {
  for (const kept of [request.rawBody, request.body]) {
    if (typeof kept === 'string' || kept instanceof Uint8Array) return limited(Buffer.from(kept), maxBytes);
  }
  if (request.readableEnded) {
    throw new Error(
      'the body was parsed before its signature could be checked: mount this route before express.json(), ' +
        "or put express.raw({ type: '*/*' }) in front of it",
    );
  }
  return readBody(request, maxBytes);
}

function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    // After too much of it the rest flows on unkept: stopping would close the connection before the answer.
    request.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > maxBytes) resolve(null);
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the request ended before its body did')));
  });
}

const limited = (body: Uint8Array, maxBytes: number): Uint8Array | null => (body.byteLength > maxBytes ? null : body);
