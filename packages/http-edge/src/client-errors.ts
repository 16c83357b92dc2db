import type { Socket } from 'node:net';
import { EDGE_TEXTS } from './texts.ts';

/** Answers in JSON what Node's parser refuses, which no handler ever sees. */
export function answerClientError(error: { readonly code?: string | undefined }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const [status, text] = refusalOf(error.code);
  const body = JSON.stringify({ success: false, error: text });
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function refusalOf(code: string | undefined): readonly [status: string, text: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', EDGE_TEXTS.requestTimeout];
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', EDGE_TEXTS.headersTooLarge];
    default:
      return ['400 Bad Request', EDGE_TEXTS.badRequest];
  }
}
