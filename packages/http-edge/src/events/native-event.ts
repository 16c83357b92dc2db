import { checkShape } from '../validation.ts';
import type { ReadEvent } from './incoming-event.ts';
import { PublishEvent } from './schema.ts';

/** Our own form: the fields of {@link PublishEvent}. */
export function readNativeEvent(body: unknown): ReadEvent {
  const { faults } = checkShape(PublishEvent, body, 'body');
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const wrong = new Set(faults.map(({ field }) => field));
  const text = (name: string): string | null => {
    const value = given[name];
    return typeof value === 'string' && !wrong.has(name) ? value : null;
  };
  const time = text('time');
  const tags = given['tags'];
  return {
    faults,
    traceparent: null,
    input: {
      id: text('id'),
      type: text('type') ?? '',
      jobId: text('job_id'),
      taskId: text('task_id'),
      ...(isTexts(tags) && { tags }),
      time: time === null ? null : Date.parse(time),
      data: compactBytes(given['data']),
    },
  };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

/** The value as it will be stored and signed; none (`undefined`) is no bytes. */
export function compactBytes(value: unknown): Uint8Array {
  return Buffer.from(value === undefined ? '' : JSON.stringify(value));
}
