import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import { type Registration, register } from '@grapnel/rpc/server';
import type { AcceptEvents } from '../accept-events.ts';
import { acceptedOrThrow, NO_EVENT, resultOf } from './answers.ts';
import { untilAborted } from './give-up.ts';
import { batchViolation, publishBatches } from './publish-batches.ts';
import { publishStream } from './publish-stream.ts';
import { submissionOf } from './submission.ts';

/**
 * The gRPC edge. A violation names the event's own field (`type`), and the batch as `events`: an error within a batch
 * stands beside the event it is about.
 */
export function ingestService(accept: AcceptEvents, streamWindow: number): Registration {
  return register(IngestService, 'tenant', {
    async publish({ event }, { principal, traceparent, signal }) {
      const tenant = tenantOf(principal);
      if (event === undefined) return acceptedOrThrow(NO_EVENT) as never;
      const outcome = await untilAborted(accept.accept(submissionOf(event, tenant, traceparent)), signal);
      const { eventId, duplicate } = acceptedOrThrow(outcome);
      return { eventId, duplicate };
    },
    async publishBatch(request, { principal, traceparent, signal }) {
      const tenant = tenantOf(principal);
      const wrong = batchViolation(request.events);
      if (wrong !== null) throw RpcError.invalid([wrong]);
      const work = request.events.map((event) => accept.accept(submissionOf(event, tenant, traceparent)));
      const outcomes = await untilAborted(Promise.all(work), signal);
      // Nothing was let in: one refusal says it for all. (An unconfirmed event is always answered on its own, with its id.)
      const [first] = outcomes;
      if (first?.kind === 'busy' && outcomes.every(({ kind }) => kind === 'busy')) acceptedOrThrow(first);
      return { results: outcomes.map(resultOf) };
    },
    publishStream: (requests, context) => publishStream(requests, accept, streamWindow, context),
    publishBatches: (requests, context) => publishBatches(requests, accept, context),
  });
}
