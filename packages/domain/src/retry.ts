import { fnv1a } from './partition.ts';
import type { Profile } from './profiles/profile.ts';
import type { WebhookConfig } from './webhook/config.ts';

export type RetryPolicy = Pick<WebhookConfig, 'maxRetries' | 'backoffMultiplier' | 'retryDelaysSeconds'>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A fixed delay of the RETRIES stream; the name is its token in subjects. */
export interface Lane {
  readonly name: string;
  readonly delayMs: number;
}

/** Longest first, as {@link laneFor} needs them. Any delay is a sum of these: “greedy hops”. */
export const LANES: readonly Lane[] = [
  { name: '8h', delayMs: 8 * HOUR },
  { name: '4h', delayMs: 4 * HOUR },
  { name: '2h', delayMs: 2 * HOUR },
  { name: '1h', delayMs: HOUR },
  { name: '30m', delayMs: 30 * MINUTE },
  { name: '15m', delayMs: 15 * MINUTE },
  { name: '5m', delayMs: 5 * MINUTE },
  { name: '2m', delayMs: 2 * MINUTE },
  { name: '1m', delayMs: MINUTE },
  { name: '30s', delayMs: 30 * SECOND },
  { name: '10s', delayMs: 10 * SECOND },
  { name: '5s', delayMs: 5 * SECOND },
  { name: '2s', delayMs: 2 * SECOND },
  { name: '1s', delayMs: SECOND },
];

const SHORTEST = LANES[LANES.length - 1] as Lane;

/** A minute's wait is a few milliseconds shorter by the time it is put into a lane, and should not take eight hops for that. */
const LANE_SLACK_MS = 500;

/**
 * The lane for the next hop of a wait of `waitMs`: the longest that overshoots by half a second at the most, which its pump
 * makes good by letting out what is due. Shorter waits than the shortest lane go there too. `timeScale` divides all of these.
 */
export function laneFor(waitMs: number, timeScale: number): Lane {
  return LANES.find((lane) => (lane.delayMs - LANE_SLACK_MS) / timeScale <= waitMs) ?? SHORTEST;
}

/** An entry that is due at once does not come round at once. */
const LEAST_IN_LANE_MS = 500;

/**
 * When an entry that was stored at `storedAt` leaves its lane: when it is due, or when the lane's time is over and it goes into
 * the next. What took long to be stored is not late by that.
 */
export function leavesLaneAt(lane: Lane, storedAt: number, dueAt: number, timeScale: number): number {
  return Math.min(storedAt + lane.delayMs / timeScale, Math.max(dueAt, storedAt + LEAST_IN_LANE_MS / timeScale));
}

/** Milliseconds to wait before retry `n` (1 = the first), or `null` when there are no more. */
export function retryDelayMs(policy: RetryPolicy, n: number): number | null {
  const { maxRetries, backoffMultiplier, retryDelaysSeconds: delays } = policy;
  if (n > maxRetries) return null;
  // A schedule shorter than the retries goes on with its last delay.
  const seconds = delays?.[n - 1] ?? delays?.at(-1);
  return seconds === undefined
    ? exponentialBackoffMs(backoffMultiplier, n)
    : Math.min(seconds * SECOND, MAX_BACKOFF_MS);
}

/** Whether delays are spread: where the profile allows it, unless the webhook has delays of its own, which are kept to. */
export function spreadsRetries({ spreadsRetries: allowed, defaults }: Profile, policy: RetryPolicy): boolean {
  const own = policy.retryDelaysSeconds;
  return allowed && (own === null || own.join() === defaults.retryDelaysSeconds?.join());
}

/** Either way. */
const SPREAD = 0.2;

/**
 * A delay up to a fifth shorter or longer, at most {@link MAX_BACKOFF_MS}. Follows from the seed, so that a turn which is
 * repeated after a crash asks for the same delay.
 */
export function spreadMs(delayMs: number, seed: string): number {
  const share = fnv1a(seed) / 0xffff_ffff;
  return Math.min(Math.round(delayMs * (1 - SPREAD + 2 * SPREAD * share)), MAX_BACKOFF_MS);
}

/** All three forms of HTTP begin with the day of the week; other texts may pass for dates, too. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/;

/** What `Retry-After`, seconds or a date, asks for on 429 and 503; 0 for none, at most a day (ST-03). */
export function postponedMs(status: number, retryAfter: string | undefined, now: number): number {
  if (retryAfter === undefined || (status !== 429 && status !== 503)) return 0;
  const text = retryAfter.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * SECOND : HTTP_DATE.test(text) ? Date.parse(text) - now : 0;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_BACKOFF_MS) : 0;
}

/** No wait is longer than a day: the body must still be in the stream when its turn comes. */
export const MAX_BACKOFF_MS = 24 * HOUR;

/** Wait before retry `n` (1 = the first retry): `multiplier^(n-1)` minutes (AC-17), at most {@link MAX_BACKOFF_MS}. */
export function exponentialBackoffMs(multiplier: number, n: number): number {
  return Math.min(Math.round(multiplier ** (n - 1) * MINUTE), MAX_BACKOFF_MS);
}
