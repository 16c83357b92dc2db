import type { EventId, ExecutionId, TriggerId } from '@grapnel/domain/ids';
import { isExecutionId, isTriggerId } from '@grapnel/domain/ids';
import { parseJsonText } from '@grapnel/domain/json';
import type { Execution, ExecutionEvent, ExecutionStatus } from '@grapnel/domain/trigger/execution';
import type { Variables } from '@grapnel/domain/trigger/map-call';
import type { Mode } from '@grapnel/domain/trigger/trigger';
import { decodeText, encodeJson, jsonHeader, type Message, type NewMessage, reading } from './message.ts';
import type { Topology } from './topology.ts';

const CALL_HEADER = 'Grapnel-Trigger-Call';
const SUMMARY_HEADER = 'Grapnel-Execution';
/** The depth of a body, and of what is round it. */
const MAX_DEPTH = 80;

/** What an event of EVENTS says of the call it was; producers' own events of that type say nothing. */
export interface TriggerCall {
  readonly trigger: TriggerId;
  readonly execution: ExecutionId;
  readonly mode: Mode;
}

export const triggerCallHeaders = (call: TriggerCall): Record<string, string> => ({ [CALL_HEADER]: jsonHeader(call) });

/** `null` where no flow is to run. @throws UnreadableMessage */
export function decodeTriggerCall(message: Message): TriggerCall | null {
  const header = message.header(CALL_HEADER);
  if (header === undefined) return null;
  return reading(message, () => {
    const call = JSON.parse(header) as TriggerCall;
    if (!isTriggerId(call.trigger) || !isExecutionId(call.execution)) throw new Error('not a call of a trigger');
    return call;
  });
}

/** The variables in the data of a `trigger.received` event. @throws UnreadableMessage */
export function decodeCallVariables(message: Message): Variables {
  return (readJson(message) as { readonly variables: Variables }).variables;
}

/** What the list of executions shows; every message of an execution carries it. */
export interface ExecutionSummary {
  readonly id: ExecutionId;
  readonly trigger: TriggerId;
  readonly event: EventId;
  readonly mode: Mode;
  readonly startedAt: number;
  readonly status: ExecutionStatus;
  readonly responseStatus: number | null;
}

/**
 * EXECUTIONS holds what happened; `execution` is the state after it. `writer` names the process: when two run the same
 * execution, the event of the second must not pass for a repetition of the first's.
 */
export function encodeExecutionEvent(
  execution: Execution,
  event: ExecutionEvent,
  expectedLastSequence: number,
  writer: string,
  names: Topology,
): NewMessage {
  const { id, tenant, trigger } = execution;
  return {
    subject: names.subjects.execution(tenant, trigger, id),
    body: encodeJson(event),
    headers: { [SUMMARY_HEADER]: jsonHeader(summaryOf(execution)) },
    id: `${id}:${writer}:${expectedLastSequence}`,
    expectedLastSequence,
  };
}

/** @throws UnreadableMessage */
export const decodeExecutionEvent = (message: Message): ExecutionEvent => readJson(message) as ExecutionEvent;

/** @throws UnreadableMessage */
export function decodeExecutionSummary(message: Message): ExecutionSummary {
  return reading(message, () => JSON.parse(message.header(SUMMARY_HEADER) ?? '') as ExecutionSummary);
}

export function summaryOf({ id, trigger, event, mode, startedAt, status, response }: Execution): ExecutionSummary {
  return { id, trigger, event, mode, startedAt, status, responseStatus: response?.status ?? null };
}

/** Numbers keep their digits: a response may repeat them. */
function readJson(message: Message): unknown {
  return reading(message, () => {
    const parsed = parseJsonText(decodeText(message.body), MAX_DEPTH);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  });
}
