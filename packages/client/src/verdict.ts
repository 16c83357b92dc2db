import type { PublishError, PublishResult } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { Code, type FieldViolation, RpcError } from '@grapnel/rpc/errors';
import type { Published } from './event.ts';

/** What an answer, or its absence, means for one event. */
export type Verdict =
  | { readonly kind: 'published'; readonly published: Published }
  | { readonly kind: 'again'; readonly message: string; readonly afterMs: number; readonly cause?: unknown }
  | {
      readonly kind: 'failed';
      readonly reason: 'invalid' | 'refused';
      readonly message: string;
      readonly violations: readonly FieldViolation[];
      readonly cause?: unknown;
    };

/** Of one event's part of a batch's answer. */
export function verdictOf(result: PublishResult | undefined): Verdict {
  const outcome = result?.outcome;
  if (outcome?.case === 'accepted') {
    const { eventId, duplicate } = outcome.value;
    return { kind: 'published', published: { eventId, duplicate } };
  }
  if (outcome?.case !== 'error') return { kind: 'again', message: 'the answer leaves this event out', afterMs: 0 };
  return verdictOfError(outcome.value);
}

/** Of an event, or a batch, that was not taken. */
export function verdictOfError({ code, message, fields, retryDelay }: PublishError): Verdict {
  if (retryDelay !== undefined) {
    return { kind: 'again', message, afterMs: Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1e6 };
  }
  const violations = fields.map(({ field, message: text, reason }) => ({ field, message: text, code: reason }));
  return { kind: 'failed', reason: reasonOf(code), message, violations };
}

/** The events may have been stored; their ids make another try harmless. */
const UNCONFIRMED: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.CANCELLED,
  Code.ABORTED,
]);

/** Of a whole call that failed: one for all its events. */
export function verdictOfFailure(error: unknown): Verdict {
  if (!(error instanceof RpcError)) {
    return { kind: 'failed', reason: 'refused', message: String(error), violations: [], cause: error };
  }
  const { code, message, details } = error;
  const again: Verdict = { kind: 'again', message, afterMs: details.retryAfterMs ?? 0, cause: error };
  // Without a delay it is the message that is too large, which no waiting mends.
  const busy = code === Code.RESOURCE_EXHAUSTED && details.retryAfterMs !== undefined;
  if (busy || UNCONFIRMED.has(code)) return again;
  return { kind: 'failed', reason: reasonOf(code), message, violations: details.violations ?? [], cause: error };
}

const INVALID: number = Code.INVALID_ARGUMENT;
const reasonOf = (code: number): 'invalid' | 'refused' => (code === INVALID ? 'invalid' : 'refused');
