export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
/** Partitions are made so far ahead; what claims to be from later is not believed. */
export const DAYS_AHEAD = 2;

export const dayOf = (at: number): number => at - (at % DAY_MS);
export const hourOf = (at: number): number => at - (at % HOUR_MS);

/**
 * The first day that is kept. A day goes when its first moment is as old as retention allows, so that no row outlives
 * the outcome it was made from, and a rebuild finds exactly the rows that are there.
 */
export const keptFrom = (now: number, retentionDays: number): number => dayOf(now) - (retentionDays - 1) * DAY_MS;

/** `YYYYMMDD`, for the names of partitions. */
export const dayName = (day: number): string => new Date(day).toISOString().slice(0, 10).replaceAll('-', '');
