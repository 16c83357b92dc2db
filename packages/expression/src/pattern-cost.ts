/** No sensible pattern is longer; making one ready takes time that grows with the square of it. */
const MAX_PATTERN_CHARS = 1_000;
/** States of the automaton that a pattern may become. */
const MAX_STATES = 20_000;
/** Of a class of Unicode such as `\pL`, which is hundreds of ranges. */
const UNICODE_CLASS = 300;

// A repetition, a class of Unicode, an escape, a class in brackets, or any other character.
const TOKEN = /\{(\d+)(?:,(\d*))?\}|\\[pP](?:\{[^}]*\})?|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|./gsu;

/**
 * About how many states a regular expression becomes, its repetitions written out; `null` when these are too many to
 * make it ready. An estimate for paying by: the engine itself tells nothing.
 */
export function statesOf(pattern: string): number | null {
  if (pattern.length > MAX_PATTERN_CHARS) return null;
  /** Sizes of the groups that are open, the whole pattern first; and of the last thing, which a repetition repeats. */
  const open = [0];
  let last = 0;
  for (const [token, least, most] of pattern.matchAll(TOKEN)) {
    if (token === '(') {
      open.push(0);
      last = 0;
      continue;
    }
    const before = open.at(-1) as number;
    if (least !== undefined) {
      const repeated = last * Math.max(Number(least), Number(most ?? 0), 1);
      open[open.length - 1] = before - last + repeated;
      last = repeated;
    } else if (token === ')' && open.length > 1) {
      last = 2 + (open.pop() as number);
      open[open.length - 1] = (open.at(-1) as number) + last;
    } else {
      last = /\\p/i.test(token) ? UNICODE_CLASS : token.length;
      open[open.length - 1] = before + last;
    }
  }
  const states = open.reduce((sum, size) => sum + size, 0);
  return states <= MAX_STATES ? states : null;
}
