import type { Clock } from '@grapnel/runtime/clock';

/**
 * One Ctrl-C can arrive several times: npm and the terminal both pass it on. What comes this soon after the first is
 * the same one.
 */
const SAME_PRESS_MS = 700;

/** Calls `first` at the first SIGINT, SIGTERM or SIGHUP, and `again` when somebody insists. Disposing it ends that. */
export function onStopSignals(clock: Clock, first: () => void, again: () => void): Disposable {
  let since: number | null = null;
  const listener = (): void => {
    if (since === null) {
      since = clock.monotonic();
      first();
    } else if (clock.monotonic() - since > SAME_PRESS_MS) again();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.removeListener(signal, listener);
    },
  };
}
