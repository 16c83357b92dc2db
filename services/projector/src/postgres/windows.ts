import type { DeliveryQuery } from '../ports.ts';
import { DAY_MS, DAYS_AHEAD, dayOf } from '../project/days.ts';

/** A stretch of time, `to` exclusive. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** How many days back the first windows reach; the last takes the rest. */
const REACH = [1, 7];
const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * The time a page can be from, newest first. Most pages are found in the first day or two, and a partition
 * that is not opened costs nothing: so these are asked first, and everything only when they are not enough.
 */
export function windowsOf({ from, to, after }: DeliveryQuery, now: number): Window[] {
  const lower = from ?? 0;
  const upper = Math.min(to ?? NEVER, after === null ? NEVER : after.createdAt + 1);
  const newest = Math.min(upper, dayOf(now) + (DAYS_AHEAD + 1) * DAY_MS);
  const bounds = REACH.map((days) => dayOf(Math.min(newest, now)) - days * DAY_MS).filter((bound) => bound > lower);
  return [...bounds, lower].map((bound, i) => ({ from: bound, to: i === 0 ? upper : (bounds[i - 1] as number) }));
}

/** All of them as one. */
export function joined(windows: readonly Window[]): Window[] {
  const [newest, oldest] = [windows[0], windows.at(-1)];
  return newest === undefined || oldest === undefined ? [] : [{ from: oldest.from, to: newest.to }];
}
