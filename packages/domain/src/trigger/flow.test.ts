import { describe, expect, it } from 'vitest';
import { ok } from '../result.ts';
import { type Execution, evolveExecution } from './execution.ts';
import { type AskCondition, afterCallOut, type CallOutAnswer, nextAction } from './flow.ts';
import type { Step } from './steps.ts';

const BODY = { paid: true, id: 'o-1', total: 0, note: 'say "hi" {{body.id}}' };

function started(steps: readonly Step[], body: object = BODY): Execution {
  return evolveExecution(null, {
    type: 'execution_started',
    at: 1,
    execution: 'exe_1',
    tenant: 'acme',
    trigger: 'trg_1',
    event: 'evt_1',
    mode: 'synchronous',
    deadline: null,
    steps,
    variables: { headers: { 'X-Id': 'r-1' }, query: {}, body: body as never },
  });
}

/** Conditions here are names of fields of the body. */
const ask: AskCondition = (expression, scope) => ok((scope['body'] as Record<string, unknown>)[expression] === true);

function run(steps: readonly Step[], body?: object, answer?: CallOutAnswer): Execution {
  let execution = started(steps, body);
  for (let turns = 0; turns < 100; turns++) {
    const action = nextAction(execution, ask, 2);
    if (action.kind === 'over') return execution;
    const event =
      action.kind === 'record' ? action.event : afterCallOut(execution, action.step, answer as CallOutAnswer, 2);
    execution = evolveExecution(execution, event);
  }
  throw new Error('no end');
}

const respond = (label: string | null, status: number, body: Step extends never ? never : unknown): Step =>
  ({ kind: 'response', label, status, headers: {}, body }) as Step;
const paidOrNot: Step[] = [
  { kind: 'condition', label: null, expression: 'paid', onTrue: 'continue', onFalse: 'refuse' },
  respond(null, 200, 'thanks'),
  { kind: 'end', label: null },
  respond('refuse', 402, 'pay first'),
];
const CALL: Step = {
  ...{ kind: 'call_out', label: 'stock', method: 'POST', url: 'https://example.com/stock', headers: {} },
  ...{ body: { id: '{{body.id}}' }, timeoutSeconds: 5, onFailure: 'fail' },
};

describe('a flow', () => {
  it('NB-08 answers differently in different branches', () => {
    expect(run(paidOrNot).response).toMatchObject({ status: 200, body: 'thanks' });
    expect(run(paidOrNot, { paid: false }).response).toMatchObject({ status: 402, body: 'pay first' });
  });

  it('NB-08 puts variables into the body with their types, once', () => {
    const template = { id: '{{body.id}}', total: '{{body.total}}', all: 'note: {{body.note}}', none: '{{body.no}}' };
    const { response } = run([respond(null, 200, template)]);
    expect(JSON.parse(response?.body ?? '')).toEqual({
      id: 'o-1',
      total: 0,
      all: 'note: say "hi" {{body.id}}',
      none: null,
    });
    expect(response?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(run([respond(null, 200, 'for {{ headers.X-Id }}')]).response?.body).toBe('for r-1');
  });

  it('gives the first answer and goes on', () => {
    const execution = run([respond(null, 201, 'first'), respond(null, 500, 'second')]);
    expect([execution.response?.status, execution.status.kind]).toEqual([201, 'completed']);
  });

  it('has the result of a call for later steps', () => {
    const steps = [CALL, respond(null, 200, { left: '{{steps.stock.body.left}}', status: '{{steps.stock.status}}' })];
    const answer = { kind: 'response', status: 200, body: '{"left":3}', truncated: false } as const;
    expect(run(steps, BODY, answer).response?.body).toBe('{"left":3,"status":200}');
  });

  it('fails when a call does, unless that is allowed', () => {
    const answer = { kind: 'no_response', code: 'ECONNREFUSED', message: 'Connection refused' } as const;
    expect(run([CALL], BODY, answer).status).toMatchObject({
      kind: 'failed',
      step: 0,
      failure: { code: 'CALL_OUT_FAILED', message: 'Connection refused' },
    });
    const tolerant = run([{ ...CALL, onFailure: 'continue' }], BODY, answer);
    expect(tolerant.results['stock']).toEqual({ status: 0, body: null, error: 'ECONNREFUSED' });
  });

  it('fails instead of growing without bounds', () => {
    const big = 'x'.repeat(300_000);
    const many = Array.from({ length: 20 }, () => '{{body.big}}');
    expect(run([respond(null, 200, many)], { big }).status).toMatchObject({ failure: { code: 'TEMPLATE_FAILED' } });
  });

  it('lets no value break out of a header', () => {
    const step = { ...respond(null, 200, ''), headers: { 'X-Note': '{{body.id}}' } } as Step;
    expect(run([step], { id: 'a\r\nSet-Cookie: b' }).response?.headers['X-Note']).toBe('a  Set-Cookie: b');
  });
});
