import { Code, type FieldViolation, RpcError } from '@grapnel/rpc/errors';
import { TEXTS } from '../texts.ts';
import { type FieldProblem, HttpProblem } from './problem.ts';

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** What an HTTP client hears of a gRPC status. Texts of unexpected failures stay inside. */
export function problemOf(error: RpcError): HttpProblem {
  switch (error.code) {
    case Code.INVALID_ARGUMENT:
    case Code.OUT_OF_RANGE: {
      const { violations = [] } = error.details;
      if (violations.length > 0) return HttpProblem.invalid(violations.map(inRestWords));
      return new HttpProblem(400, { error: TEXTS.validationError, message: error.message, details: [] });
    }
    case Code.UNAUTHENTICATED:
      return new HttpProblem(401, { error: error.message });
    case Code.PERMISSION_DENIED:
      return new HttpProblem(403, { error: error.message });
    case Code.NOT_FOUND:
      return HttpProblem.notFound(notFoundText(error));
    case Code.ABORTED:
    case Code.FAILED_PRECONDITION:
    case Code.ALREADY_EXISTS:
      return new HttpProblem(
        409,
        { error: error.message },
        error.details.retryAfterMs === undefined ? null : retryAfterSeconds(error),
      );
    case Code.RESOURCE_EXHAUSTED:
      return new HttpProblem(429, { error: error.message }, retryAfterSeconds(error));
    case Code.UNAVAILABLE:
      return new HttpProblem(503, { error: TEXTS.unavailable }, retryAfterSeconds(error));
    case Code.DEADLINE_EXCEEDED:
      return new HttpProblem(504, { error: TEXTS.deadlineExceeded });
    case Code.CANCELLED:
      // The caller has gone: nobody reads this.
      return new HttpProblem(499, { error: TEXTS.badRequest });
    default:
      return new HttpProblem(500, { error: TEXTS.internalError });
  }
}

// The few fields whose names differ between the two contracts.
const REST_NAMES: Readonly<Record<string, string>> = { page_size: 'limit', page_token: 'cursor' };

function inRestWords(violation: FieldViolation): FieldProblem {
  return { ...violation, field: REST_NAMES[violation.field] ?? violation.field };
}

function notFoundText({ details }: RpcError): string {
  switch (details.resource?.type.toLowerCase()) {
    case 'webhook':
      return TEXTS.webhookNotFound;
    case 'delivery':
      return TEXTS.deliveryNotFound;
    default:
      return TEXTS.notFound;
  }
}

function retryAfterSeconds({ details }: RpcError): number {
  const ms = details.retryAfterMs;
  return ms === undefined ? DEFAULT_RETRY_AFTER_SECONDS : Math.max(1, Math.ceil(ms / 1_000));
}

export const isRpcError = (error: unknown, code: Code): error is RpcError =>
  error instanceof RpcError && error.code === code;
