import { Code, RpcError } from '@grapnel/rpc/errors';
import { TooManyWaiting } from '@grapnel/runtime/fair-turns';
import { HistoryUnavailable, RebuildUnderWay } from '../ports.ts';

const RETRY_AFTER_MS = 1_000;

/** Expected errors as gRPC says them. */
export async function answering<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    throw asRpcError(error);
  }
}

export function asRpcError(error: unknown): unknown {
  if (error instanceof HistoryUnavailable) {
    return RpcError.unavailable(error.message, RETRY_AFTER_MS, { cause: error });
  }
  if (error instanceof TooManyWaiting) {
    const message = 'too many questions of this tenant wait for an answer';
    return new RpcError(Code.RESOURCE_EXHAUSTED, message, { retryAfterMs: RETRY_AFTER_MS });
  }
  if (error instanceof RebuildUnderWay) return new RpcError(Code.FAILED_PRECONDITION, error.message);
  return error;
}
