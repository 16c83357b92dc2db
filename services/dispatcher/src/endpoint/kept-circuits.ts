import type { WebhookId } from '@grapnel/domain/ids';
import type { SharedValues } from '@grapnel/stream/ports';
import type { Circuit } from './circuit.ts';
import type { Circuits } from './gates.ts';

/** Shorter ones are over before anybody could ask: they are not worth a write. */
const WORTH_KEEPING_MS = 4_000;

/**
 * Keeps what a restart must not forget: that an endpoint asked to be left alone until a time, and that one has not answered
 * for long. The other dispatchers know it too, for the day a partition becomes theirs.
 */
export function keptCircuits(values: SharedValues<Circuit>): Circuits {
  return {
    find: (id) => values.get(id),
    changed(id: WebhookId, circuit) {
      if (circuit.kind === 'closed') return values.delete(id);
      if (circuit.kind !== 'open' || circuit.forMs < WORTH_KEEPING_MS) return;
      // One that is probed again and again is known already; when its last pause ends makes no difference to who comes next.
      if (circuit.reason === 'no_answer' && values.get(id)?.kind === 'open') return;
      values.put(id, circuit);
    },
  };
}
