import type { SendResult } from '@grapnel/domain/delivery/classify';
import type { AttemptError } from '@grapnel/domain/delivery/outcome';
import { PrivateAddressError } from './egress-guard.ts';

/** Codes of undici that mean what the operating system's codes mean. */
const TRANSLATED: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_CLOSED: 'ECONNABORTED',
  UND_ERR_DESTROYED: 'ECONNABORTED',
  UND_ERR_HEADERS_OVERFLOW: 'INVALID_RESPONSE',
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
  EPROTO: 'TLS failed',
  INVALID_RESPONSE: 'The response is not valid HTTP',
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
  const raw = typeof (error as { code?: unknown }).code === 'string' ? (error as { code: string }).code : 'UNKNOWN';
  const code = raw.startsWith('HPE_') ? 'INVALID_RESPONSE' : (TRANSLATED[raw] ?? raw);
  // TLS codes (CERT_HAS_EXPIRED, …) have good texts of their own.
  return {
    result: { kind: 'no_response', code },
    error: { code, message: (MESSAGES[code] ?? (error as Error).message).slice(0, 500) },
  };
}

/** Several addresses were tried: the first refusal tells most; causes carry the system's code. */
function innermost(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0]);
  if (thrown instanceof Error && thrown.cause instanceof PrivateAddressError) return thrown.cause;
  return thrown;
}
