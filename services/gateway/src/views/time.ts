import { type Timestamp, timestampDate, timestampFromMs } from '@bufbuild/protobuf/wkt';

/** ISO 8601 with milliseconds; `null` when absent. */
export const isoTime = (at: Timestamp | undefined): string | null =>
  at === undefined ? null : timestampDate(at).toISOString();

/** For fields that the services always set. */
export function requiredTime(at: Timestamp | undefined, what: string): string {
  const text = isoTime(at);
  if (text === null) throw new Error(`${what} is missing`);
  return text;
}

export const timestampOf = (ms: number): Timestamp => timestampFromMs(ms);
