import { type BodyLimit, DEFAULT_MAX_BODY_BYTES, type RequestRefusal } from './answer.ts';
import type { Receiver } from './receive.ts';

/** What is needed of a Fetch `Request`; those of Node, Deno, Bun, Next.js, Hono and Workers all have it. */
export interface FetchRequest {
  readonly headers: { get(name: string): string | null };
  readonly body: ByteStream | null;
}

interface ByteStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

export type ReceivedRequest<E> =
  | { readonly valid: true; readonly event: E }
  | { readonly valid: false; readonly reason: RequestRefusal };

/**
 * Reads a request's body, which must not have been read before, and receives what is in it.
 *
 * @example
 * ```ts
 * const receiver = anyCrawlReceiver({ secret });
 * export async function POST(request: Request): Promise<Response> {
 *   const received = await receiveRequest(receiver, request);
 *   if (!received.valid) return new Response(null, { status: statusOf(received.reason) });
 *   await enqueue(received.event);
 *   return new Response(null, { status: 204 });
 * }
 * ```
 */
export async function receiveRequest<E>(
  receiver: Receiver<E>,
  request: FetchRequest,
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES }: BodyLimit = {},
): Promise<ReceivedRequest<E>> {
  const body = await readBody(request.body, maxBodyBytes);
  if (body === null) return { valid: false, reason: 'too_large' };
  return receiver.receive({ headers: request.headers, body });
}

/** `null` when it is longer than allowed; the rest of it is then not read. */
async function readBody(stream: ByteStream | null, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (value !== undefined) {
      length += value.byteLength;
      if (length > maxBytes) {
        await reader?.cancel();
        return null;
      }
      chunks.push(value);
    }
    if (done) return Buffer.concat(chunks);
  }
}
