import { err, ok, type Result } from '../result.ts';
import { type Violation, violation } from '../violation.ts';
import { REPLAYABLE, type ReplayableStatus, type ReplayFilter } from './replay.ts';

export const REPLAY_LIMITS = {
  ratePerSecond: { min: 1, max: 1_000 },
  eventTypes: { max: 50, chars: 128 },
} as const;

/** What a tenant asks for, before it is checked. `null` is “not given”. */
export interface FilterInput {
  /** Empty: failed deliveries. */
  readonly statuses: readonly string[];
  readonly from: number | null;
  readonly to: number | null;
  readonly eventTypes: readonly string[];
}

/** The form of a type, or of `family.*`; which of them there are is the deployment's to say. */
const EVENT_TYPE = /^[A-Za-z][A-Za-z0-9_.-]*(\.\*)?$/;

/** Turns what a tenant asks for into a filter, or says everything that is wrong with it. */
export function checkFilter(input: FilterInput, now: number): Result<ReplayFilter, Violation[]> {
  const wrong: Violation[] = [];
  const statuses = [...new Set(input.statuses.length === 0 ? ['failed'] : input.statuses)];
  if (!statuses.every(isReplayable)) {
    wrong.push(violation('statuses', 'INVALID_VALUE', `must be one or more of ${REPLAYABLE.join(', ')}`));
  }
  // What is created from now on is sent anyway.
  const to = Math.min(input.to ?? now, now);
  if (input.from !== null && input.from >= to) {
    wrong.push(violation('from', 'INVALID_VALUE', 'must be before to, and before now'));
  }
  const { max } = REPLAY_LIMITS.eventTypes;
  const eventTypes = [...new Set(input.eventTypes)];
  if (eventTypes.length > max) wrong.push(violation('event_types', 'TOO_LONG', `must name at most ${max} event types`));
  const at = eventTypes.findIndex((type) => !hasForm(type));
  if (at >= 0) wrong.push(violation(`event_types[${at}]`, 'INVALID_VALUE', 'must be an event type, family.* or *'));
  if (wrong.length > 0) return err(wrong);
  const all = eventTypes.includes('*');
  const checked = statuses.filter(isReplayable);
  return ok({ statuses: checked, from: input.from, to, eventTypes: all ? [] : eventTypes });
}

export const hasForm = (type: string): boolean =>
  type === '*' || (type.length <= REPLAY_LIMITS.eventTypes.chars && EVENT_TYPE.test(type));

/** `null` when the rate is allowed. */
export function rateViolation(ratePerSecond: number): Violation | null {
  const { min, max } = REPLAY_LIMITS.ratePerSecond;
  if (Number.isInteger(ratePerSecond) && ratePerSecond >= min && ratePerSecond <= max) return null;
  return violation('rate_per_second', 'INVALID_VALUE', `must be a whole number from ${min} to ${max}`);
}

const isReplayable = (status: string): status is ReplayableStatus => REPLAYABLE.some((known) => known === status);
