import { CallOutService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { TenantId } from '@grapnel/domain/ids';
import { checkEndpointUrl, type UrlPolicy } from '@grapnel/domain/security/endpoint-url';
import { METHODS } from '@grapnel/domain/trigger/steps';
import { type Violation, violation } from '@grapnel/domain/violation';
import { RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import type { SharedPlaces } from '@grapnel/runtime/shared-places';
import { USER_AGENT } from '../attempt/request-headers.ts';
import { targetOf } from '../attempt/target.ts';
import type { AttemptSender } from '../ports.ts';

export interface CallOutContext {
  readonly sender: AttemptSender;
  readonly policy: UrlPolicy;
  /** For requests under way, beside the deliveries: one tenant whose other side is slow leaves room for the rest. */
  readonly places: SharedPlaces<TenantId | null>;
}

const MAX_TIMEOUT_MS = 60_000;
const MAX_BODY_CHARS = 65_536;
const BUSY_RETRY_MS = 1_000;

/** Requests of triggers' flows: the same agent and the same egress guard as deliveries, for services alone. */
export function callOutService({ sender, policy, places }: CallOutContext): Registration {
  return register(CallOutService, 'service', {
    async callOut({ method, url, headers, body, timeoutMs }, { principal: { tenant } }) {
      const wrong = violationsOf(method, url, timeoutMs, policy);
      if (wrong.length > 0) throw RpcError.invalid(wrong);
      if (!places.tryAcquire(tenant)) {
        throw RpcError.unavailable('too many requests of flows are under way', BUSY_RETRY_MS);
      }
      try {
        const made = await sender.send({
          method,
          target: targetOf(new URL(url)),
          headers: { 'user-agent': USER_AGENT, ...headers },
          // A request without a body has no length either.
          body: body.byteLength === 0 ? null : body,
          deadlineMs: timeoutMs,
          keptChars: MAX_BODY_CHARS,
        });
        const { response, error, durationMs } = made;
        if (made.result.kind !== 'response' || response === null) {
          const { code, message } = error ?? { code: 'UNKNOWN', message: 'no response' };
          return { errorCode: code, errorMessage: message, durationMs };
        }
        const truncated = Buffer.byteLength(response.body) >= MAX_BODY_CHARS;
        return { status: response.status, body: response.body, truncated, durationMs };
      } finally {
        places.release(tenant);
      }
    },
  });
}

function violationsOf(method: string, url: string, timeoutMs: number, policy: UrlPolicy): Violation[] {
  const wrong = checkEndpointUrl(url, policy, 'url');
  if (!METHODS.some((allowed) => allowed === method)) {
    wrong.push(violation('method', 'INVALID_VALUE', `must be one of ${METHODS.join(', ')}`));
  }
  if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    wrong.push(violation('timeout_ms', 'INVALID_VALUE', `must be from 1 to ${MAX_TIMEOUT_MS}`));
  }
  return wrong;
}
