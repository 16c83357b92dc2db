import { type Freshness, type HeaderValue, refused, VALID, type Verification } from './verification.ts';

// What the Standard Webhooks libraries allow, too.
const DEFAULT_TOLERANCE_SECONDS = 300;

/** @throws TypeError when the tolerance is not a number of seconds */
export function toleranceOf({ toleranceSeconds = DEFAULT_TOLERANCE_SECONDS }: Freshness): number {
  if (toleranceSeconds >= 0) return toleranceSeconds;
  throw new TypeError('toleranceSeconds must be a number from 0');
}

/** Says whether `time` (milliseconds since the epoch) is near enough to now. */
export function verifyTime(time: number, freshness: Freshness): Verification {
  const toleranceMs = toleranceOf(freshness) * 1_000;
  // What a customer installs has no clock port; its default is the system's clock.
  // oxlint-disable-next-line eslint/no-restricted-properties
  const { now = Date.now } = freshness;
  const age = now() - time;
  if (age > toleranceMs) return refused('too_old');
  if (-age > toleranceMs) return refused('too_new');
  return VALID;
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** The same for a header like `2026-01-27T10:00:00.000Z`. */
export function verifyIsoTime(header: HeaderValue, freshness: Freshness): Verification {
  if (header === undefined || header === '') return refused('missing');
  const time = typeof header === 'string' && ISO.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(time) ? refused('malformed') : verifyTime(time, freshness);
}
