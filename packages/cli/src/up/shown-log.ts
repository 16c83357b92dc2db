import type { Clock } from '@grapnel/runtime/clock';
import type { Screen } from '../screen.ts';
import { formatLogLine, isTrouble, parseLogLine } from './log-line.ts';

/** The same trouble again within this time says nothing new. */
const REPEATED_WITHIN_MS = 10_000;

export interface ShownLogOptions {
  readonly screen: Screen;
  readonly verbose: boolean;
  readonly clock: Clock;
  /** The platform is starting or stopping. */
  readonly unsettled: () => boolean;
}

/** Shows the lines of a service's log on the terminal: everything with `verbose`, else trouble, and that not twice. */
export function serviceLogShown(
  name: string,
  { screen, verbose, clock, unsettled }: ShownLogOptions,
): (line: string) => void {
  const shownAt = new Map<string, number>();
  return (line) => {
    const entry = parseLogLine(line);
    if (verbose) return screen.say(formatLogLine(name, entry));
    if (!isTrouble(entry, unsettled())) return;
    const now = clock.monotonic();
    // The cause in parentheses may differ from one time to the next; the trouble is the same.
    const trouble = entry.text.split(' (')[0] ?? entry.text;
    const before = shownAt.get(trouble) ?? Number.NEGATIVE_INFINITY;
    if (now - before < REPEATED_WITHIN_MS) return;
    for (const [text, at] of shownAt) if (now - at >= REPEATED_WITHIN_MS) shownAt.delete(text);
    shownAt.set(trouble, now);
    screen.say(formatLogLine(name, entry));
  };
}
