import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PublishResultSchema } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { unreachable } from '@grapnel/domain/result';
import { type Violation, violation } from '@grapnel/domain/violation';
import { Code, durationOf, RpcError } from '@grapnel/rpc/errors';
import type { Accepted, Outcome } from '../outcome.ts';

export type Result = MessageInitShape<typeof PublishResultSchema>;

export const NO_EVENT: Outcome = { kind: 'invalid', violations: [violation('event', 'REQUIRED', 'is required')] };

/** The answer to a call about one event; everything but success is thrown. */
export function acceptedOrThrow(outcome: Outcome): Accepted {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
    case 'invalid':
      throw RpcError.invalid(outcome.violations);
    case 'busy':
      throw new RpcError(Code.RESOURCE_EXHAUSTED, outcome.message, { retryAfterMs: outcome.retryAfterMs });
    case 'unavailable':
      throw RpcError.unavailable(outcome.message, outcome.retryAfterMs);
    case 'refused':
      throw new RpcError(Code.FAILED_PRECONDITION, outcome.message);
    default:
      return unreachable(outcome);
  }
}

/** One event's part of an answer about several. */
export function resultOf(outcome: Outcome): Result {
  if (outcome.kind !== 'accepted') return { outcome: { case: 'error', value: errorOf(outcome) } };
  return { outcome: { case: 'accepted', value: { eventId: outcome.eventId, duplicate: outcome.duplicate } } };
}

type PublishError = Extract<Result['outcome'], { case: 'error' }>['value'];

/** An outcome that is no success, as a message within an answer. */
export function errorOf(outcome: Exclude<Outcome, Accepted>): PublishError {
  switch (outcome.kind) {
    case 'invalid':
      return {
        code: Code.INVALID_ARGUMENT,
        message: summary(outcome.violations),
        fields: fields(outcome.violations),
      };
    case 'busy':
      return later(Code.RESOURCE_EXHAUSTED, outcome);
    case 'unavailable':
      return later(Code.UNAVAILABLE, outcome);
    case 'refused':
      return { code: Code.FAILED_PRECONDITION, message: outcome.message };
    default:
      return unreachable(outcome);
  }
}

const later = (code: Code, { message, retryAfterMs }: Extract<Outcome, { retryAfterMs: number }>): PublishError => ({
  code,
  message,
  retryDelay: durationOf(retryAfterMs),
});

const fields = (violations: readonly Violation[]) =>
  violations.map(({ field, message, code }) => ({ field, message, reason: code }));

const summary = (violations: readonly Violation[]): string => RpcError.invalid(violations).message;
