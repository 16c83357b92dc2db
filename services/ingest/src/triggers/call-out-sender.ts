import { CallOutService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { TenantId } from '@grapnel/domain/ids';
import type { CallOut, CallOutAnswer } from '@grapnel/domain/trigger/flow';
import { TENANT } from '@grapnel/rpc/auth';
import type { Channel } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';

/** Nobody who makes requests can be reached; trying again later helps. */
export class CallOutUnavailable extends Error {}

/** Makes the requests of flows. */
export interface CallOutSender {
  /** @throws CallOutUnavailable */
  send(request: CallOut, tenant: TenantId, signal: AbortSignal): Promise<CallOutAnswer>;
}

/** More than the request itself may take, for the way to the dispatcher and back. */
const MARGIN_MS = 5_000;

/** Through a dispatcher, where the egress guard is. */
export function dispatcherCallOuts(dispatcher: Channel): CallOutSender {
  const client = dispatcher.client(CallOutService);
  return {
    async send({ method, url, headers, body, timeoutMs }, tenant, signal) {
      const request = { method, url, headers: { ...headers }, body: Buffer.from(body ?? ''), timeoutMs };
      try {
        const answer = await client.callOut(request, {
          signal,
          timeoutMs: timeoutMs + MARGIN_MS,
          metadata: { [TENANT]: tenant },
        });
        const { status, errorCode, errorMessage, truncated } = answer;
        if (status === 0) return { kind: 'no_response', code: errorCode, message: errorMessage };
        return { kind: 'response', status, body: answer.body, truncated };
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.code === Code.INVALID_ARGUMENT) {
          return { kind: 'no_response', code: 'INVALID_REQUEST', message: error.message };
        }
        const isItsWord = error.details.retryAfterMs !== undefined;
        throw new CallOutUnavailable(isItsWord ? error.message : 'no dispatcher can be reached', { cause: error });
      }
    },
  };
}
