import { type FieldProblem, HttpProblem, type ProblemHeaders, retryAfter } from '@grapnel/http-edge/problem';
import { EDGE_TEXTS } from '@grapnel/http-edge/texts';
import { Code, type FieldViolation, RpcError } from '@grapnel/rpc/errors';
import { TEXTS } from '../texts.ts';

const DEFAULT_RETRY_AFTER_MS = 1_000;

/** What an HTTP client hears of a gRPC status. Texts of unexpected failures stay inside. */
export function problemOf(error: RpcError): HttpProblem {
  switch (error.code) {
    case Code.INVALID_ARGUMENT:
    case Code.OUT_OF_RANGE: {
      const { violations = [] } = error.details;
      if (violations.length > 0) return HttpProblem.invalid(violations.map(inRestWords));
      return new HttpProblem(400, { error: EDGE_TEXTS.validationError, message: error.message, details: [] });
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
        error.details.retryAfterMs === undefined ? {} : later(error),
      );
    case Code.RESOURCE_EXHAUSTED:
      return new HttpProblem(429, { error: error.message }, later(error));
    case Code.UNAVAILABLE:
      return new HttpProblem(503, { error: TEXTS.unavailable }, later(error));
    case Code.DEADLINE_EXCEEDED:
      return new HttpProblem(504, { error: TEXTS.deadlineExceeded });
    case Code.CANCELLED:
      // The caller has gone: nobody reads this.
      return new HttpProblem(499, { error: EDGE_TEXTS.badRequest });
    default:
      return new HttpProblem(500, { error: EDGE_TEXTS.internalError });
  }
}

// The few fields whose names differ between the two contracts.
const REST_NAMES: Readonly<Record<string, string>> = { page_size: 'limit', page_token: 'cursor', statuses: 'status' };

function inRestWords(violation: FieldViolation): FieldProblem {
  return { ...violation, field: REST_NAMES[violation.field] ?? violation.field };
}

function notFoundText({ details }: RpcError): string {
  switch (details.resource?.type.toLowerCase()) {
    case 'webhook':
      return TEXTS.webhookNotFound;
    case 'replay':
      return TEXTS.replayNotFound;
    case 'trigger':
      return TEXTS.triggerNotFound;
    case 'execution':
      return TEXTS.executionNotFound;
    case 'delivery':
      return TEXTS.deliveryNotFound;
    default:
      return EDGE_TEXTS.notFound;
  }
}

const later = ({ details }: RpcError): ProblemHeaders => ({
  retryAfterSeconds: retryAfter(details.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS),
});

export const isRpcError = (error: unknown, code: Code): error is RpcError =>
  error instanceof RpcError && error.code === code;
