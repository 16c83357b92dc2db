import type { Event as WireEvent } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';
import type { TenantId } from '@grapnel/domain/ids';
import type { Submission } from '../accept-events.ts';

/** An event from the wire, where an empty string is “not given”. */
export function submissionOf(event: WireEvent, tenant: TenantId, callTraceparent: string | null): Submission {
  return {
    tenant,
    traceparent: event.traceparent || callTraceparent,
    input: {
      id: event.id || null,
      type: event.type,
      jobId: event.jobId || null,
      taskId: event.taskId || null,
      tags: event.tags,
      time: millisecondsOf(event.time),
      data: event.data,
    },
  };
}

/** NaN, which no check lets pass, when the nanoseconds are not a fraction of a second. */
function millisecondsOf(time: WireEvent['time']): number | null {
  if (time === undefined) return null;
  if (time.nanos < 0 || time.nanos > 999_999_999) return Number.NaN;
  return Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1e6);
}
