import type { ViolationCode } from '@grapnel/domain/violation';
import { z } from 'zod';

interface Bounds {
  readonly min?: number;
  readonly max: number;
}

/** Text whose length counts characters as people do, which is also how JSON Schema counts. */
export function text({ min = 0, max }: Bounds) {
  return z
    .string()
    .check((context) => {
      const length = context.value.length <= max ? context.value.length : [...context.value].length;
      if (length < min) wrong(context, 'TOO_SHORT', `must be at least ${min} character${min === 1 ? '' : 's'}`);
      if (length > max) wrong(context, 'TOO_LONG', `must be at most ${max} characters`);
    })
    .meta({ ...(min > 0 ? { minLength: min } : {}), maxLength: max });
}

export function list<T extends z.ZodType>(item: T, { min = 0, max }: Bounds) {
  const bounded = z.array(item).max(max, `must have at most ${max} entries`);
  return min === 0 ? bounded : bounded.min(min, `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`);
}

export function wholeNumber(range: { readonly min: number; readonly max: number }) {
  const allowed = `must be a whole number from ${range.min} to ${range.max}`;
  return z
    .int({ error: (issue) => (issue.input === undefined ? undefined : allowed) })
    .min(range.min, allowed)
    .max(range.max, allowed);
}

export function number(range: { readonly min: number; readonly max: number }) {
  const allowed = `must be a number from ${range.min} to ${range.max}`;
  return z
    .number({ error: (issue) => (issue.input === undefined ? undefined : allowed) })
    .min(range.min, allowed)
    .max(range.max, allowed);
}

/** A whole number in a query string: a sign and digits alone, nothing that merely converts. */
export function queryNumber(range: { readonly min: number; readonly max: number }) {
  const digits = (value: unknown): unknown =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return z.preprocess(digits, wholeNumber(range)).describe(`From ${range.min} to ${range.max}.`);
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/;

/** ISO 8601 → milliseconds since the epoch; without an offset it is UTC. `null` when it is no such time. */
export function parseTime(value: string): number | null {
  if (!DATE.test(value) && !DATE_TIME.test(value)) return null;
  const zoned = DATE.test(value) || /(Z|[+-]\d{2}:\d{2})$/.test(value) ? value : `${value}Z`;
  const at = Date.parse(zoned);
  // Date.parse makes 2 March of 30 February: a day that does not come back unchanged did not exist.
  const day = Date.parse(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at) || Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== value.slice(0, 10))
    return null;
  return at;
}

/** A point in time, given as ISO 8601; stays the text that was given. */
export const time = z
  .string()
  .check((context) => {
    if (parseTime(context.value) === null) {
      wrong(context, 'INVALID_VALUE', 'must be an ISO 8601 date or date-time, e.g. 2026-01-27T10:00:00Z');
    }
  })
  .meta({ examples: ['2026-01-27T10:00:00.000Z'] });

/** What `z.check` functions add when something is wrong. */
export function wrong(
  context: { readonly value: unknown; readonly issues: unknown[] },
  code: ViolationCode,
  message: string,
  path: readonly PropertyKey[] = [],
): void {
  context.issues.push({ code: 'custom', input: context.value, message, params: { code }, path, continue: true });
}

/** In answers. */
export const timestamp = z.iso.datetime().meta({ examples: ['2026-01-27T10:00:00.125Z'] });
export const count = z.int().min(0);
