import { chanceOf } from './random.ts';

/** What the demo customer does with a request. */
export type Mood = 'accept' | 'error' | 'silence' | 'not found';

const SEED = 'grapnel';
const NOT_FOUND = 0.01;
const SILENT = 0.02;
const BROKEN = 0.06;
/** Of the deliveries that fail at first, those that fail at the second attempt as well. */
const STUBBORN = 0.4;

/**
 * The customer's answer to an attempt (from 1) for a fact. It depends on nothing else, so that every run of the demo
 * fails in the same places, in whatever order the requests come. Nothing fails more than twice: each delivery ends well
 * within the default of three retries, but for the few that the customer does not want at all.
 */
export function moodFor(fact: string, attempt: number): Mood {
  const chance = chanceOf(SEED, fact);
  if (chance < NOT_FOUND) return 'not found';
  const failures = chanceOf(SEED, fact, 'again') < STUBBORN ? 2 : 1;
  if (attempt > failures || chance >= NOT_FOUND + SILENT + BROKEN) return 'accept';
  return chance < NOT_FOUND + SILENT ? 'silence' : 'error';
}
