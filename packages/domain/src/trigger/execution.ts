import type { EventId, ExecutionId, TenantId, TriggerId } from '../ids.ts';
import type { Json } from '../json.ts';
import { unreachable } from '../result.ts';
import type { Variables } from './map-call.ts';
import type { Step } from './steps.ts';
import type { Mode } from './trigger.ts';

/** What a response step says to the caller; everything in it is decided. */
export interface GivenResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why a flow came to no good end. */
export interface ExecutionFailure {
  readonly code:
    | 'CONDITION_FAILED'
    | 'CALL_OUT_FAILED'
    | 'TEMPLATE_FAILED'
    /** The caller's time was over. */
    | 'TIMED_OUT'
    /** The process that ran it went away with the caller's connection. */
    | 'ABANDONED'
    /** It cannot be kept: of an older version that bounded the steps less. */
    | 'TOO_LARGE';
  readonly message: string;
}

/** Everything that can happen to an execution. Times are milliseconds since the epoch. */
export type ExecutionEvent =
  | {
      readonly type: 'execution_started';
      readonly at: number;
      readonly execution: ExecutionId;
      readonly tenant: TenantId;
      readonly trigger: TriggerId;
      /** The `trigger.received` event it began with. */
      readonly event: EventId;
      readonly mode: Mode;
      /** When its caller waits no longer; `null` when nobody waits. */
      readonly deadline: number | null;
      /** The flow as it was at the beginning: a later change does not touch what is under way. */
      readonly steps: readonly Step[];
      readonly variables: Variables;
      /** How many triggers the call has come through, this one included; absent in executions of older versions. */
      readonly hops?: number;
    }
  | {
      readonly type: 'step_completed';
      readonly at: number;
      readonly step: number;
      readonly result: Json;
      /** Index of the step that comes next. */
      readonly next: number;
    }
  | {
      readonly type: 'response_given';
      readonly at: number;
      readonly step: number;
      readonly response: GivenResponse;
      readonly next: number;
    }
  | { readonly type: 'execution_completed'; readonly at: number }
  | {
      readonly type: 'execution_failed';
      readonly at: number;
      readonly step: number | null;
      readonly failure: ExecutionFailure;
    };

export type ExecutionStatus =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly at: number }
  | { readonly kind: 'failed'; readonly at: number; readonly step: number | null; readonly failure: ExecutionFailure };

/** One run of a trigger's flow, as its events have made it. */
export interface Execution {
  readonly id: ExecutionId;
  readonly tenant: TenantId;
  readonly trigger: TriggerId;
  readonly event: EventId;
  readonly mode: Mode;
  readonly startedAt: number;
  readonly deadline: number | null;
  readonly steps: readonly Step[];
  readonly variables: Variables;
  readonly hops?: number;
  /** Index of the step to take next; as many as there are steps at the end. */
  readonly position: number;
  /** By label, for the steps that have one. */
  readonly results: Readonly<Record<string, Json>>;
  readonly response: GivenResponse | null;
  readonly status: ExecutionStatus;
}

/** The state after `event`; events that do not fit are bugs of the runner, and throw. */
export function evolveExecution(state: Execution | null, event: ExecutionEvent): Execution {
  if (event.type === 'execution_started') {
    if (state !== null) throw new Error('an execution is started once');
    const { type: _, at, execution, ...begun } = event;
    const nothingYet = { position: 0, results: {}, response: null, status: { kind: 'running' } } as const;
    return { ...begun, id: execution, startedAt: at, ...nothingYet };
  }
  if (state?.status.kind !== 'running') throw new Error(`${event.type} needs a running execution`);
  switch (event.type) {
    case 'step_completed': {
      const label = state.steps[event.step]?.label ?? null;
      const results = label === null ? state.results : { ...state.results, [label]: event.result };
      return { ...state, position: event.next, results };
    }
    case 'response_given':
      // The caller has one answer: the first.
      return { ...state, position: event.next, response: state.response ?? event.response };
    case 'execution_completed':
      return { ...state, status: { kind: 'completed', at: event.at } };
    case 'execution_failed':
      return { ...state, status: { kind: 'failed', at: event.at, step: event.step, failure: event.failure } };
    default:
      return unreachable(event);
  }
}
