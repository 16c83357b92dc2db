import type { BodyContext } from './profile.ts';

/** A structured CloudEvent 1.0: the event's own id, so that a consumer recognises what several webhooks bring it. */
export function cloudEvent({ event, data }: BodyContext): string {
  const subject = event.taskId ?? event.jobId;
  const attributes = {
    specversion: '1.0',
    id: event.id,
    source: `urn:grapnel:${event.tenant}`,
    type: event.type,
    time: new Date(event.time).toISOString(),
    ...(subject === null ? {} : { subject }),
    datacontenttype: 'application/json',
  };
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}
