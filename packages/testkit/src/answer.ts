import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How the receiver answers one request. Without a `mode` it is an ordinary answer. */
export type Answer =
  | {
      readonly mode?: 'plain';
      /** Default 200. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string | string[]>>;
      readonly body?: string | Buffer;
      /** Waits before the first byte. */
      readonly delayMs?: number;
    }
  /** Takes the request and never answers. */
  | { readonly mode: 'hang' }
  /** Sends headers, then one byte every `intervalMs` (default 100), `bytes` times (default: for ever). */
  | { readonly mode: 'drip'; readonly status?: number; readonly intervalMs?: number; readonly bytes?: number }
  /** Resets the TCP connection after the request was read, before or after the response's headers. */
  | { readonly mode: 'reset'; readonly after?: 'request' | 'headers' }
  | { readonly mode: 'redirect'; readonly location: string; readonly status?: number }
  /** A body of `bytes` bytes (default 64 MB), sent as fast as it is read. */
  | { readonly mode: 'huge'; readonly bytes?: number; readonly status?: number };

/** Resolves when the answer is sent or its connection is gone. `signal` aborts with the connection or the receiver. */
export async function sendAnswer(answer: Answer, response: ServerResponse, signal: AbortSignal): Promise<void> {
  switch (answer.mode) {
    case undefined:
    case 'plain':
      if (answer.delayMs !== undefined) await sleep(answer.delayMs, undefined, { signal });
      response.writeHead(answer.status ?? 200, { ...answer.headers });
      response.end(answer.body ?? '');
      return;
    case 'hang':
      return gone(signal);
    case 'drip':
      return drip(answer, response, signal);
    case 'reset':
      if (answer.after === 'headers') {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('partial');
        // Long enough for the bytes to leave before the reset overtakes them.
        await sleep(20, undefined, { signal });
      }
      response.socket?.resetAndDestroy();
      return;
    case 'redirect':
      response.writeHead(answer.status ?? 302, { location: answer.location });
      response.end();
      return;
    case 'huge':
      return huge(answer, response, signal);
    default:
      return answer satisfies never;
  }
}

async function drip(
  answer: Extract<Answer, { mode: 'drip' }>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(answer.status ?? 200);
  response.flushHeaders();
  for (let sent = 0; sent < (answer.bytes ?? Number.POSITIVE_INFINITY); sent += 1) {
    response.write('.');
    await sleep(answer.intervalMs ?? 100, undefined, { signal });
  }
  response.end();
}

async function huge(
  answer: Extract<Answer, { mode: 'huge' }>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const total = answer.bytes ?? 64 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  response.writeHead(answer.status ?? 200);
  for (let sent = 0; sent < total && !signal.aborted; sent += chunk.length) {
    const flowing = response.write(chunk.subarray(0, Math.min(chunk.length, total - sent)));
    if (!flowing) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), gone(signal)]);
  }
  response.end();
}

function gone(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
