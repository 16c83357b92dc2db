import { unreachable } from '@grapnel/domain/result';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { StoreUnavailable } from '@grapnel/stream/ports';
import type { CommandRejection } from '../command-webhook.ts';

const RETRY_AFTER_MS = 1_000;

/** What a caller is told when a command was refused. */
export function refusal(rejection: CommandRejection, webhookId: string): RpcError {
  switch (rejection.kind) {
    case 'not_found':
      return RpcError.notFound('Webhook', webhookId);
    case 'invalid':
      return RpcError.invalid(rejection.violations);
    case 'contended':
      return contended();
    case 'ended':
      return new RpcError(Code.FAILED_PRECONDITION, `${rejection.why}; it gets no more events`);
    case 'taken':
      return new RpcError(
        Code.ALREADY_EXISTS,
        `this URL is attached to the job already, with other ${rejection.differs.join(', ')}: attach it again as it is, or update webhook ${webhookId}`,
      );
    default:
      return unreachable(rejection);
  }
}

export const contended = (): RpcError =>
  new RpcError(Code.ABORTED, 'too many changes at once; try again', { retryAfterMs: RETRY_AFTER_MS });

/** A bound of the deployment is reached; something must go before more can come. */
export const full = (bound: string): RpcError => new RpcError(Code.RESOURCE_EXHAUSTED, `${bound}; delete some first`);

/** Runs `work`; when the store does not confirm, the caller learns that it may try again. */
export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    throw RpcError.unavailable('the event store did not confirm; the change may or may not be stored', RETRY_AFTER_MS, {
      cause: error,
    });
  }
}
