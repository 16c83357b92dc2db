import type { SendResult } from '@grapnel/domain/delivery/classify';
import type { AttemptError } from '@grapnel/domain/delivery/outcome';
import { PrivateAddressError } from './egress-guard.ts';

/** What came is no answer by the rules of HTTP. */
export class InvalidResponseError extends Error {
  readonly code = 'INVALID_RESPONSE';
}

/** Codes of undici and Node that mean what others mean. */
const TRANSLATED: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_CLOSED: 'ECONNABORTED',
  UND_ERR_DESTROYED: 'ECONNABORTED',
  UND_ERR_HEADERS_OVERFLOW: 'INVALID_RESPONSE',
  // Also for lengths that contradict each other.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'INVALID_RESPONSE',
};

const MESSAGES: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'Connection timeout',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'The connection was closed before a complete response',
  ECONNABORTED: 'The attempt was aborted',
  ENOTFOUND: 'The host name was not found',
  EAI_AGAIN: 'The host name could not be looked up',
  EHOSTUNREACH: 'The host is unreachable',
  ENETUNREACH: 'The network is unreachable',
  INVALID_RESPONSE: 'The response is not valid HTTP',
  TLS_FAILED: 'TLS failed',
};

export interface Failure {
  readonly result: SendResult;
  readonly error: AttemptError;
}

/** What a failed request means: a code that programs can count, a text that people can read. */
export function failureOf(thrown: unknown): Failure {
  const error = innermost(thrown);
  if (error instanceof PrivateAddressError) {
    return { result: { kind: 'blocked' }, error: { code: error.code, message: error.message } };
  }
  const code = codeOf(error);
  return { result: { kind: 'no_response', code }, error: { code, message: messageOf(error, code).slice(0, 500) } };
}

/** What errors of Node, OpenSSL and undici carry beside their text. */
interface Coded {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly library?: unknown;
}

function codeOf(error: Error & Coded): string {
  const { code } = error;
  // undici's parser says which rule was broken, but not always by a code.
  if (error.name === 'HTTPParserError') return 'INVALID_RESPONSE';
  // It takes 100 for a breach when it was not asked for.
  if (code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)$/.test(error.message)) return 'INVALID_RESPONSE';
  // It asserts that a status or an upgrade is possible.
  if (code === 'ERR_ASSERTION' && /undici/.test(error.stack ?? '')) return 'INVALID_RESPONSE';
  if (isOpenSsl(error)) return 'TLS_FAILED';
  return typeof code === 'string' ? (TRANSLATED[code] ?? code) : 'UNKNOWN';
}

function messageOf(error: Error & Coded, code: string): string {
  if (code === 'TLS_FAILED') {
    return `${MESSAGES[code]}: ${typeof error.reason === 'string' ? error.reason : 'the handshake broke off'}`;
  }
  // Codes of certificates (CERT_HAS_EXPIRED, …) have good texts of their own, but for advice to whoever runs Node.
  return MESSAGES[code] ?? error.message.replace(/; if the root CA is installed locally.*$/s, '');
}

/** Texts of OpenSSL are full of addresses and file names; its reason is for people. */
const isOpenSsl = ({ code, library }: Coded): boolean =>
  code === 'EPROTO' || library === 'SSL routines' || (typeof code === 'string' && code.startsWith('ERR_SSL_'));

/** Several addresses were tried: the first refusal tells most; causes carry the system's code. */
function innermost(thrown: unknown): Error & Coded {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0]);
  if (thrown instanceof Error && thrown.cause instanceof PrivateAddressError) return thrown.cause;
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
