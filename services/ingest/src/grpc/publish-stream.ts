import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  PublishStreamRequest,
  PublishStreamResponseSchema,
} from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { tenantOf } from '@grapnel/rpc/auth';
import type { CallContext } from '@grapnel/rpc/server';
import type { AcceptEvents } from '../accept-events.ts';
import { answered } from './answered.ts';
import { NO_EVENT, resultOf } from './answers.ts';
import { submissionOf } from './submission.ts';

type Acknowledgement = MessageInitShape<typeof PublishStreamResponseSchema>;

/** One stream of events, of which `window` may wait for their acknowledgements to be fetched. */
export function publishStream(
  requests: AsyncIterable<PublishStreamRequest>,
  accept: AcceptEvents,
  window: number,
  { principal, traceparent, signal }: CallContext,
): AsyncGenerator<Acknowledgement> {
  const tenant = tenantOf(principal);
  return answered(requests, window, signal, async ({ tag, event }) => {
    if (event === undefined) return { answer: Promise.resolve({ tag, result: resultOf(NO_EVENT) }) };
    const { outcome } = await accept.acceptInTurn(submissionOf(event, tenant, traceparent), signal);
    return { answer: outcome.then((known) => ({ tag, result: resultOf(known) })) };
  });
}
