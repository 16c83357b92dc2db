import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Event } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';
import type {
  PublishBatchesRequest,
  PublishBatchesResponseSchema,
} from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS } from '@grapnel/domain/event/event';
import { type Violation, violation } from '@grapnel/domain/violation';
import { tenantOf } from '@grapnel/rpc/auth';
import type { CallContext } from '@grapnel/rpc/server';
import type { AcceptEvents } from '../accept-events.ts';
import type { Outcome } from '../outcome.ts';
import { answered } from './answered.ts';
import { errorOf, resultOf } from './answers.ts';
import { submissionOf } from './submission.ts';

type Answer = MessageInitShape<typeof PublishBatchesResponseSchema>;

/** Batches whose answers may wait to be fetched, of one stream. */
const WINDOW = 32;

/** One stream of batches. */
export function publishBatches(
  requests: AsyncIterable<PublishBatchesRequest>,
  accept: AcceptEvents,
  { principal, traceparent, signal }: CallContext,
): AsyncGenerator<Answer> {
  const tenant = tenantOf(principal);
  return answered<PublishBatchesRequest, Answer>(requests, WINDOW, signal, async ({ tag, events }) => {
    const wrong = batchViolation(events);
    if (wrong !== null) {
      return { answer: Promise.resolve({ tag, refused: errorOf({ kind: 'invalid', violations: [wrong] }) }) };
    }
    const outcomes: Promise<Outcome>[] = [];
    try {
      for (const event of events) {
        const { outcome } = await accept.acceptInTurn(submissionOf(event, tenant, traceparent), signal);
        outcomes.push(outcome);
      }
    } catch (error) {
      // The stream ends within the batch: what was let in is stored, and nobody is told; its ids make a second try harmless.
      void Promise.allSettled(outcomes);
      throw error;
    }
    return { answer: Promise.all(outcomes).then((known) => ({ tag, results: known.map(resultOf) })) };
  });
}

/** What is wrong with a batch as a whole; `null` when nothing is. */
export function batchViolation(events: readonly Event[]): Violation | null {
  if (events.length === 0) return violation('events', 'REQUIRED', `is required: 1 to ${MAX_BATCH_EVENTS} events`);
  if (events.length > MAX_BATCH_EVENTS) {
    return violation('events', 'TOO_LONG', `has ${events.length} events; at most ${MAX_BATCH_EVENTS} are allowed`);
  }
  const bytes = events.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes <= MAX_BATCH_BYTES) return null;
  return violation('events', 'TOO_LARGE', `have ${bytes} bytes of data; at most ${MAX_BATCH_BYTES} (8 MB) are allowed`);
}
