/** Why an endpoint is left alone for a while. */
export type OpenReason = 'no_answer' | 'retry_after';

/**
 * Whether an endpoint is tried at all. Open: nobody asks it anything until a time. Half open: one attempt finds out for all.
 * Times are milliseconds since the epoch, so that a circuit can be stored.
 */
export type Circuit =
  | { readonly kind: 'closed'; readonly failures: number }
  | {
      readonly kind: 'open';
      readonly reason: OpenReason;
      readonly since: number;
      readonly until: number;
      /** How long it was opened for, which the next time doubles. */
      readonly forMs: number;
    }
  | { readonly kind: 'half_open'; readonly reason: OpenReason; readonly since: number; readonly forMs: number };

export const CLOSED: Circuit = { kind: 'closed', failures: 0 };

/** So many attempts in a row without any answer open a circuit: an error that is answered fast slows nobody. */
const FAILURES_TO_OPEN = 10;
const FIRST_MS = 1_000;
/** Short, because a retry's time is a promise of the schedule and an open circuit may put it off by so much. */
const LONGEST_MS = 15_000;

/** What an attempt that asks at `now` may do; milliseconds to wait otherwise. */
export type Passage = 'free' | 'probe' | { readonly waitMs: number };

export function passage(circuit: Circuit, now: number): Passage {
  switch (circuit.kind) {
    case 'closed':
      return 'free';
    case 'open':
      return now >= circuit.until ? 'probe' : { waitMs: circuit.until - now };
    case 'half_open':
      return { waitMs: 0 };
  }
}

/** The one attempt that finds out has begun. */
export function probing(circuit: Circuit): Circuit {
  return circuit.kind === 'open' ? { ...circuit, kind: 'half_open' } : circuit;
}

/**
 * An attempt ended without any answer. `timeScale` divides the times for which a circuit opens. What began before a circuit
 * opened tells nothing new: only what `probes` does.
 */
export function afterNoAnswer(circuit: Circuit, probes: boolean, now: number, timeScale: number): Circuit {
  switch (circuit.kind) {
    case 'closed': {
      const failures = circuit.failures + 1;
      return failures < FAILURES_TO_OPEN
        ? { kind: 'closed', failures }
        : open('no_answer', now, now, FIRST_MS / timeScale);
    }
    case 'open':
      return circuit;
    case 'half_open':
      if (!probes) return circuit;
      return open('no_answer', circuit.since, now, Math.min(circuit.forMs * 2, LONGEST_MS / timeScale));
  }
}

/** The endpoint asked to be left alone until a time; never shortens what is open longer. */
export function afterRefusal(circuit: Circuit, now: number, forMs: number): Circuit {
  if (forMs <= 0) return afterAnswer(circuit);
  if (circuit.kind === 'open' && circuit.until >= now + forMs) return circuit;
  return open('retry_after', circuit.kind === 'closed' ? now : circuit.since, now, forMs);
}

/** Any whole answer: somebody is there. An answer to what was asked before does not undo a wish to be left alone. */
export function afterAnswer(circuit: Circuit): Circuit {
  if (circuit.kind === 'open' && circuit.reason === 'retry_after') return circuit;
  return CLOSED;
}

/** The probe was not made after all: another may be. */
export function afterNothing(circuit: Circuit, now: number): Circuit {
  return circuit.kind === 'half_open' ? { ...circuit, kind: 'open', until: now } : circuit;
}

function open(reason: OpenReason, since: number, now: number, forMs: number): Circuit {
  return { kind: 'open', reason, since, until: now + forMs, forMs };
}
