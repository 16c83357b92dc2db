import {
  type GetEndpointResponse,
  GetEndpointResponse_Reason as Reason,
  GetEndpointResponse_State as State,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import type { z } from 'zod';
import type { EndpointState } from '../http/schemas/endpoint.ts';
import { isoTime } from './time.ts';

export function endpointJson({
  state,
  reason,
  since,
  until,
  load,
}: GetEndpointResponse): z.output<typeof EndpointState> {
  return {
    state: stateOf(state),
    reason: reasonOf(reason),
    since: isoTime(since),
    until: isoTime(until),
    concurrency_limit: load?.limit ?? null,
    in_flight: load?.underWay ?? null,
    queued: load?.queued ?? null,
    waiting: load?.away ?? null,
  };
}

function stateOf(state: State): 'ok' | 'left_alone' | 'probing' {
  if (state === State.OPEN) return 'left_alone';
  return state === State.HALF_OPEN ? 'probing' : 'ok';
}

function reasonOf(reason: Reason): 'no_answer' | 'retry_after' | null {
  if (reason === Reason.NO_ANSWER) return 'no_answer';
  return reason === Reason.RETRY_AFTER ? 'retry_after' : null;
}
