import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EventSchema } from '@grapnel/contracts/gen/grapnel/event/v1/event_pb';

/** What a crawler tells Grapnel. */
export interface ProducerEvent {
  /**
   * Your id, 1 to 128 characters of letters, digits and `_ - . : ~`. The same id again within 10 minutes is the same
   * event. Absent: the producer makes one, so that its own retries store the event once.
   */
  readonly id?: string;
  /** A type of the catalogue, e.g. `crawl.page`. */
  readonly type: string;
  readonly jobId?: string;
  readonly taskId?: string;
  /** For webhooks that filter by them: at most 50, each of 1 to 100 characters. */
  readonly tags?: readonly string[];
  /** When it happened; absent: when Grapnel accepts it. Milliseconds since the epoch, or a `Date`. */
  readonly time?: number | Date;
  /** Any JSON value, at most 1 MB (1,048,576 bytes) and 64 levels deep. Bytes are taken as JSON in UTF-8, as they are. */
  readonly data: unknown;
  /** W3C trace context of what this event is about; absent: that of the span in whose context `publish` is called. */
  readonly traceparent?: string;
}

/** The event is stored. */
export interface Published {
  readonly eventId: string;
  /** The id was there already: nothing new was stored. True also for a retry whose first try had been stored. */
  readonly duplicate: boolean;
}

export type WireEvent = Exclude<MessageInitShape<typeof EventSchema>, { $typeName: string }> & {
  readonly id: string;
  readonly data: Uint8Array<ArrayBuffer>;
};

/** @throws TypeError when `data` has no JSON form (undefined, a cycle, a bigint) or `time` is no time */
export function wireEventOf(event: ProducerEvent, id: string, traceparent: string | null): WireEvent {
  const { type, jobId = '', taskId = '', tags = [], time, data } = event;
  return {
    ...{ id, type, jobId, taskId, tags: [...tags], data: bytesOf(data), traceparent: traceparent ?? '' },
    ...(time === undefined ? {} : { time: timestampOf(Number(time)) }),
  };
}

function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  if (data instanceof Uint8Array) return data as Uint8Array<ArrayBuffer>;
  const text: string | undefined = JSON.stringify(data);
  if (text === undefined) throw new TypeError('data must be a JSON value');
  return Buffer.from(text);
}

function timestampOf(ms: number) {
  if (!Number.isFinite(ms)) throw new TypeError('time must be a Date or milliseconds since the epoch');
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.floor((ms - seconds * 1_000) * 1e6) };
}
