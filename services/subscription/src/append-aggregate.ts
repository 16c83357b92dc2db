import type { Aggregate } from '@grapnel/contracts/aggregate-codec';
import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { Topology } from '@grapnel/contracts/topology';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type EventStreams, WrongLastSequence } from '@grapnel/stream/ports';

/** A state, and its position in the WEBHOOKS stream; 0 when there is none. */
export interface Revised<State> {
  readonly state: State;
  readonly revision: number;
}

/** What happened and the state it made. */
export interface Step<Event, State> {
  readonly event: Event;
  readonly state: State;
}

/** The one place in memory where the states of an aggregate's kind are. */
export interface Memory<State> {
  current(): Revised<State>;
  /** Takes in what has just been stored, before the stream brings it round. */
  apply(state: State, revision: number): void;
  /** Resolves when everything that was in the stream at the time of the call is applied. */
  caughtUp(): Promise<void>;
}

export interface AppendContext {
  readonly streams: EventStreams;
  readonly names: Topology;
}

/** How often a decision is taken anew because another replica was first. */
const MAX_TRIES = 5;

/**
 * Optimistic concurrency: takes a decision on the state this process knows, stores it if nobody else has written
 * meanwhile, and decides again otherwise. `choose` returns `null` when nothing happens.
 * @throws StoreUnavailable
 */
export async function appendAggregate<Event, State, E>(
  { streams, names }: AppendContext,
  aggregate: Aggregate,
  memory: Memory<State>,
  choose: (state: State) => Result<Step<Event, State> | null, E>,
): Promise<Result<Revised<State>, E | { readonly kind: 'contended' }>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = memory.current();
    const chosen = choose(current.state);
    if (!chosen.ok) return chosen;
    if (chosen.value === null) return ok(current);
    const { state } = chosen.value;
    try {
      const { sequence } = await streams.publish(encodeRecorded(aggregate, chosen.value, current.revision, names));
      memory.apply(state, sequence);
      return ok({ state, revision: sequence });
    } catch (error) {
      if (!(error instanceof WrongLastSequence)) throw error;
      await memory.caughtUp();
    }
  }
  return err({ kind: 'contended' });
}
