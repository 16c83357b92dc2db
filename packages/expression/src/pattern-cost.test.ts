import { expect, it } from 'vitest';
import { statesOf } from './pattern-cost.ts';

it.each([
  ['abc', 3],
  ['x{10}', 10],
  ['a(?:bc){2,5}', 31],
  ['((x{10}){10}){5}', 610],
  ['[a-z]{3}', 15],
  [String.raw`\d{4}-\d`, 11],
  [String.raw`\p{Greek}{2}`, 600],
  ['x{1000}'.repeat(30), null],
  ['x'.repeat(1_001), null],
  [')){3}', 4],
  ['[', 1],
])('the states of %s', (pattern, states) => {
  expect(statesOf(pattern)).toBe(states);
});
