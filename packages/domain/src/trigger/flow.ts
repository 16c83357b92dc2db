import type { Json } from '../json.ts';
import { parseJsonText } from '../json.ts';
import { type Result, unreachable } from '../result.ts';
import type { Execution, ExecutionEvent, ExecutionFailure } from './execution.ts';
import { type CallOutStep, CONTINUE, END, type ResponseStep, stepAt } from './steps.ts';
import { renderBody, renderHeaders, type Scope } from './template.ts';

/** What expressions and templates of a flow may speak of; `steps` has results by label. */
export const SCOPE_NAMES = ['headers', 'query', 'body', 'steps'] as const;

/** Asks an expression about variables; the language is the caller's. */
export type AskCondition = (expression: string, scope: Scope) => Result<boolean, string>;

/** An HTTP request that a flow makes. */
export interface CallOut {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
}

/** What came of it. */
export type CallOutAnswer =
  | { readonly kind: 'response'; readonly status: number; readonly body: string; readonly truncated: boolean }
  | { readonly kind: 'no_response'; readonly code: string; readonly message: string };

/** What a runner has to do next. */
export type NextAction =
  | { readonly kind: 'record'; readonly event: ExecutionEvent }
  | { readonly kind: 'call_out'; readonly step: number; readonly request: CallOut }
  | { readonly kind: 'over' };

/** Interprets a flow: what is to be done in this state. Recording what it says and asking again leads to the end. */
export function nextAction(execution: Execution, ask: AskCondition, at: number): NextAction {
  if (execution.status.kind !== 'running') return { kind: 'over' };
  const { steps, position } = execution;
  const step = steps[position];
  if (step === undefined) return { kind: 'record', event: { type: 'execution_completed', at } };
  switch (step.kind) {
    case 'condition': {
      const answer = ask(step.expression, scopeOf(execution));
      if (!answer.ok) return failed(position, 'CONDITION_FAILED', answer.error, at);
      const next = stepAt(steps, position, answer.value ? step.onTrue : step.onFalse);
      const event = { type: 'step_completed', at, step: position, result: answer.value, next } as const;
      return { kind: 'record', event };
    }
    case 'call_out':
      return callOut(execution, step, at);
    case 'response':
      return respond(execution, step, at);
    case 'end': {
      const next = stepAt(steps, position, END);
      return { kind: 'record', event: { type: 'step_completed', at, step: position, result: null, next } };
    }
    default:
      return unreachable(step);
  }
}

/** What an answer, or its absence, means to the flow. */
export function afterCallOut(execution: Execution, step: number, answer: CallOutAnswer, at: number): ExecutionEvent {
  const definition = execution.steps[step];
  if (definition?.kind !== 'call_out') throw new Error(`step ${step} calls nobody`);
  const succeeded = answer.kind === 'response' && answer.status >= 200 && answer.status < 300;
  if (!succeeded && definition.onFailure === 'fail') {
    const message = answer.kind === 'response' ? `HTTP ${answer.status}` : answer.message;
    return { type: 'execution_failed', at, step, failure: { code: 'CALL_OUT_FAILED', message } };
  }
  const next = stepAt(execution.steps, step, CONTINUE);
  return { type: 'step_completed', at, step, result: resultOf(answer), next };
}

/** Under `steps.<label>`: the status and the body, parsed where it is JSON; without an answer the error. */
function resultOf(answer: CallOutAnswer): Json {
  if (answer.kind === 'no_response') return { status: 0, body: null, error: answer.code };
  const parsed = answer.truncated ? null : parseJsonText(answer.body);
  return { status: answer.status, body: parsed?.ok ? parsed.value : answer.body, error: null };
}

function callOut(execution: Execution, step: CallOutStep, at: number): NextAction {
  const scope = scopeOf(execution);
  const headers = renderHeaders(step.headers, scope);
  if (!headers.ok) return failed(execution.position, 'TEMPLATE_FAILED', `a header ${headers.error}`, at);
  const body = step.body === null ? null : renderBody(step.body, scope);
  if (body !== null && !body.ok) return failed(execution.position, 'TEMPLATE_FAILED', `the body ${body.error}`, at);
  const request = {
    method: step.method,
    url: step.url,
    headers: body === null ? headers.value : withType(headers.value, body.value.json),
    body: body?.value.text ?? null,
    timeoutMs: step.timeoutSeconds * 1_000,
  };
  return { kind: 'call_out', step: execution.position, request };
}

function respond(execution: Execution, step: ResponseStep, at: number): NextAction {
  const { position, steps } = execution;
  const scope = scopeOf(execution);
  const headers = renderHeaders(step.headers, scope);
  if (!headers.ok) return failed(position, 'TEMPLATE_FAILED', `a header ${headers.error}`, at);
  const body = renderBody(step.body ?? '', scope);
  if (!body.ok) return failed(position, 'TEMPLATE_FAILED', `the body ${body.error}`, at);
  const response = {
    status: step.status,
    headers: withType(headers.value, body.value.json),
    body: body.value.text,
  };
  const next = stepAt(steps, position, CONTINUE);
  return { kind: 'record', event: { type: 'response_given', at, step: position, response, next } };
}

function withType(headers: Record<string, string>, json: boolean): Record<string, string> {
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) return headers;
  return { 'content-type': json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8', ...headers };
}

const scopeOf = ({ variables, results }: Execution): Scope => ({
  headers: variables.headers,
  query: variables.query,
  body: variables.body,
  steps: results,
});

function failed(step: number, code: ExecutionFailure['code'], message: string, at: number): NextAction {
  return { kind: 'record', event: { type: 'execution_failed', at, step, failure: { code, message } } };
}
