import { CallOutService } from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { TenantId } from '@grapnel/domain/ids';
import { checkEndpointUrl, type UrlPolicy } from '@grapnel/domain/security/endpoint-url';
import { METHODS } from '@grapnel/domain/trigger/steps';
import { type Violation, violation } from '@grapnel/domain/violation';
import { RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import type { Semaphore } from '@grapnel/runtime/semaphore';
import { USER_AGENT } from '../attempt/request-headers.ts';
import { targetOf } from '../attempt/target.ts';
import type { AttemptSender } from '../ports.ts';

export interface CallOutContext {
  readonly sender: AttemptSender;
  readonly policy: UrlPolicy;
  /** Requests that may be under way at once, beside the deliveries. */
  readonly slots: Semaphore;
}

const MAX_TIMEOUT_MS = 60_000;
const MAX_BODY_CHARS = 65_536;
/** So that one whose other side is slow leaves room for the rest. */
const SHARE_OF_ONE_TENANT = 0.25;
const BUSY_RETRY_MS = 1_000;

/** Requests of triggers' flows: the same agent and the same egress guard as deliveries, for services alone. */
export function callOutService({ sender, policy, slots }: CallOutContext): Registration {
  const underWay = new Map<TenantId | null, number>();
  const most = Math.max(1, Math.floor(slots.capacity * SHARE_OF_ONE_TENANT));
  return register(CallOutService, 'service', {
    async callOut({ method, url, headers, body, timeoutMs }, { principal: { tenant } }) {
      const wrong = violationsOf(method, url, timeoutMs, policy);
      if (wrong.length > 0) throw RpcError.invalid(wrong);
      const others = underWay.get(tenant) ?? 0;
      if (others >= most || !slots.tryAcquire()) {
        throw RpcError.unavailable('too many requests of flows are under way', BUSY_RETRY_MS);
      }
      underWay.set(tenant, others + 1);
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
        slots.release();
        const left = (underWay.get(tenant) ?? 1) - 1;
        if (left > 0) underWay.set(tenant, left);
        else underWay.delete(tenant);
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
