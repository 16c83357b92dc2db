import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  GetEndpointResponse_Reason as Reason,
  GetEndpointResponse_State as State,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { unreachable } from '@grapnel/domain/result';
import { type Circuit, CLOSED, type OpenReason } from '../endpoint/circuit.ts';
import type { Circuits, GateState } from '../endpoint/gates.ts';
import type { Endpoints } from '../ports.ts';

export interface EndpointStateContext {
  readonly endpoints: Endpoints;
  readonly gates: { stateOf(id: WebhookId): GateState | null };
  /** What the other dispatchers have said. */
  readonly circuits: Pick<Circuits, 'find'>;
}

const REASONS: Readonly<Record<OpenReason, Reason>> = {
  no_answer: Reason.NO_ANSWER,
  retry_after: Reason.RETRY_AFTER,
};

/** `null` when the tenant has no such webhook. */
export function endpointState({ endpoints, gates, circuits }: EndpointStateContext, tenant: TenantId, webhook: string) {
  const id = webhook as WebhookId;
  const endpoint = endpoints.find(id, 0);
  if (typeof endpoint === 'string' || endpoint.tenant !== tenant) return null;
  const here = gates.stateOf(id);
  const circuit = here?.circuit ?? circuits.find(id) ?? CLOSED;
  if (here === null) return stateOf(circuit);
  const { limit, underWay, queued, away } = here;
  return { ...stateOf(circuit), load: { limit, underWay, queued, away } };
}

function stateOf(circuit: Circuit) {
  switch (circuit.kind) {
    case 'closed':
      return { state: State.CLOSED };
    case 'open': {
      const { reason, since, until } = circuit;
      return {
        state: State.OPEN,
        reason: REASONS[reason],
        since: timestampFromMs(since),
        until: timestampFromMs(Math.round(until)),
      };
    }
    case 'half_open':
      return { state: State.HALF_OPEN, reason: REASONS[circuit.reason], since: timestampFromMs(circuit.since) };
    default:
      return unreachable(circuit);
  }
}
