import { randomBytes } from 'node:crypto';
import { encodeEvent } from '@grapnel/contracts/event-codec';
import { encodeExecutionEvent, triggerCallHeaders } from '@grapnel/contracts/execution-codec';
import { encodeDueEntry } from '@grapnel/contracts/retry-codec';
import { newEventId, newExecutionId, type TriggerId } from '@grapnel/domain/ids';
import { type Execution, type ExecutionEvent, evolveExecution } from '@grapnel/domain/trigger/execution';
import type { Step } from '@grapnel/domain/trigger/steps';
import type { Mode } from '@grapnel/domain/trigger/trigger';
import { FlowRunner } from '@grapnel/ingest/triggers/flow-runner';
import { systemClock } from '@grapnel/runtime/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTenant, until } from '../support/ground.ts';
import { faultsOf, Platform } from '../support/platform.ts';
import { TestTrigger } from '../support/triggers.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await Platform.start();
}, 60_000);
afterAll(() => platform[Symbol.asyncDispose]());

const synchronous = (steps: object[], more: object = {}): Promise<TestTrigger> =>
  TestTrigger.create(platform, { mode: 'synchronous', timeout_seconds: 30, steps, ...more });

describe('a synchronous trigger', () => {
  it('NB-08 different branches answer differently', async () => {
    const trigger = await synchronous([
      { type: 'condition', expression: 'body.status == "paid" && body.amount >= 10', on_false: 'refuse' },
      {
        type: 'response',
        status: 201,
        headers: { 'X-Order': '{{body.id}}' },
        body: { order: '{{body.id}}', amount: '{{body.amount}}' },
      },
      { type: 'end' },
      { type: 'response', label: 'refuse', status: 402, body: 'order {{body.id}} is {{body.status}}' },
    ]);
    const paid = await trigger.call({ id: 'o-1', status: 'paid', amount: 10 });
    expect([paid.status, paid.text, paid.headers.get('x-order')]).toEqual([201, '{"order":"o-1","amount":10}', 'o-1']);
    expect(paid.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const open = await trigger.call({ id: 'o-2', status: 'open', amount: 10 });
    expect([open.status, open.text]).toEqual([402, 'order o-2 is open']);
    const [second, first] = await trigger.ended(2);
    expect([first?.response_status, second?.response_status]).toEqual([201, 402]);
  });

  it('NB-08 answers with what another service said', async () => {
    platform.receiver.respond(() => ({ body: '{"left":3}' }), '/stock');
    const trigger = await synchronous([
      { type: 'call_out', label: 'stock', url: platform.receiver.url('/stock'), body: { sku: '{{body.sku}}' } },
      { type: 'condition', expression: 'steps.stock.body.left > 0', on_false: 'end' },
      { type: 'response', body: { left: '{{steps.stock.body.left}}', status: '{{steps.stock.status}}' } },
    ]);
    const { status, text } = await trigger.call({ sku: 's-1' });
    expect([status, text]).toEqual([200, '{"left":3,"status":200}']);
    const asked = platform.receiver.requestsTo('/stock')[0];
    expect([asked?.method, asked?.text()]).toEqual(['POST', '{"sku":"s-1"}']);
    const [execution] = await trigger.ended(1);
    expect(asked?.header('idempotency-key')).toBe(`${execution.id}-0`);
  });

  it('NB-08 no response step reached is 200', async () => {
    const trigger = await synchronous([
      { type: 'condition', expression: 'false', on_false: 'end' },
      { type: 'response', body: 'never' },
    ]);
    const { status, text } = await trigger.call();
    expect([status, JSON.parse(text)]).toEqual([200, { success: true, data: { execution_id: expect.any(String) } }]);
    expect((await (await synchronous([])).call()).status).toBe(200);
  });

  it('NB-08 a failed flow is 500, and says why to its tenant alone', async () => {
    platform.receiver.respond(() => ({ status: 503 }), '/broken');
    const url = platform.receiver.url('/broken');
    const trigger = await synchronous([
      { type: 'call_out', method: 'GET', url },
      { type: 'response', body: 'no' },
    ]);
    const { status, text } = await trigger.call();
    expect([status, text]).toEqual([500, expect.not.stringContaining('503')]);
    const { execution_id: id } = JSON.parse(text).data;
    const { body } = await platform.call('GET', `/v1/executions/${id}`);
    expect(body.data).toMatchObject({
      status: 'failed',
      failure: { code: 'CALL_OUT_FAILED', message: 'HTTP 503', step: 0 },
    });
    const unanswerable = await synchronous([{ type: 'condition', expression: 'body.missing == 1' }]);
    expect((await unanswerable.call()).status).toBe(500);
  });

  it('NB-08 a condition that can never be true is refused by its step', async () => {
    const steps = ['nofn(body)', 'size(body)'].map((expression) => ({ type: 'condition', expression }));
    const refused = await platform.call('POST', '/v1/triggers', { name: 'never', steps });
    expect(faultsOf(refused)).toMatchObject([
      { field: 'steps[0].expression', message: expect.stringContaining('it may call') },
      { field: 'steps[1].expression', message: expect.stringContaining('comes to int') },
    ]);
  });

  it('NB-08 a flow that takes too long is 408', async () => {
    platform.receiver.respond(() => ({ mode: 'hang' }), '/slow');
    const steps = [
      { type: 'call_out', url: platform.receiver.url('/slow') },
      { type: 'response', body: 'late' },
    ];
    const trigger = await synchronous(steps, { timeout_seconds: 1 });
    expect((await trigger.call()).status).toBe(408);
    const [execution] = await trigger.ended(1);
    expect(execution).toMatchObject({ status: 'failed', failure: { code: 'TIMED_OUT' } });
  });
});

describe('the flow of an asynchronous trigger', () => {
  it('NB-07 runs after the answer', async () => {
    const url = platform.receiver.url('/later');
    const trigger = await TestTrigger.create(platform, {
      steps: [
        { type: 'condition', label: 'big', expression: 'body.rows.exists(r, r.price > 5.0)', on_false: 'end' },
        { type: 'call_out', method: 'PUT', url, headers: { 'X-Id': '{{body.id}}' }, body: 'big: {{body.id}}' },
      ],
    });
    const { status, text } = await trigger.call({ id: 'o-1', rows: [{ price: 1 }, { price: 7 }] });
    expect([status, text]).toEqual([200, 'ok']);
    await trigger.ended(1);
    await trigger.call({ id: 'o-2', rows: [] });
    const [second, first] = await trigger.ended(2);
    const requests = platform.receiver.requestsTo('/later');
    expect(requests.map((each) => [each.method, each.text(), each.header('x-id')])).toEqual([
      ['PUT', 'big: o-1', 'o-1'],
    ]);
    expect([first, second]).toMatchObject([{ status: 'completed' }, { status: 'completed', mode: 'asynchronous' }]);
    const { body } = await platform.call('GET', `/v1/executions/${first.id}`);
    expect(body.data.steps).toMatchObject([
      { step: 0, type: 'condition', label: 'big', result: true },
      { step: 1, type: 'call_out', result: { status: 200, error: null } },
    ]);
  });

  it('lists executions page by page, newest first, to their tenant alone', async () => {
    const trigger = await TestTrigger.create(platform, { steps: [{ type: 'end' }] });
    for (let i = 0; i < 3; i++) await trigger.call({ i });
    const all = await trigger.ended(3);
    const first = await trigger.executions('?limit=2');
    const second = await trigger.executions(`?limit=2&cursor=${first.meta.next_cursor}`);
    expect([...first.data, ...second.data]).toEqual(all);
    expect([first.data.length, second.meta.next_cursor]).toEqual([2, null]);
    const { apiKey } = await newTenant(platform.subscription);
    for (const path of [
      `/v1/triggers/${trigger.id}/executions`,
      `/v1/executions/${all[0].id}`,
      `/v1/triggers/${trigger.id}`,
    ]) {
      const answers = [];
      // A new key reaches the gateway by watch.
      do answers.push((await platform.call('GET', path, undefined, apiKey)).status);
      while (answers.at(-1) === 401);
      expect(answers.at(-1)).toBe(404);
    }
  });
});

describe('a flow that cannot be kept', () => {
  it('NB-08 is refused when it is saved', async () => {
    const step = { type: 'call_out', url: platform.receiver.url('/large'), body: 'x'.repeat(60_000) };
    const steps = Array.from({ length: 18 }, () => step);
    const refused = await platform.call('POST', '/v1/triggers', { name: 'large', steps });
    expect(faultsOf(refused)).toMatchObject([{ field: 'steps', message: expect.stringContaining('at most 1048576') }]);
  });

  it('NB-07 ends as a failed execution, where an older version took it', async () => {
    const { names, open } = platform.ground;
    const runner = new FlowRunner({
      streams: open.streams,
      names,
      clock: systemClock,
      writer: 'test',
      ask: () => ({ ok: true, value: true }),
      callOut: { send: () => Promise.reject(new Error('nothing is sent')) },
    });
    const body = 'x'.repeat(300_000);
    const step: Step = { kind: 'response', label: null, status: 200, headers: {}, body };
    const at = Date.now();
    const trigger = await TestTrigger.create(platform);
    await runner.start({
      ...{ type: 'execution_started', at, execution: newExecutionId(at, (n) => randomBytes(n)) },
      ...{ tenant: platform.tenant, trigger: trigger.id as TriggerId, event: 'evt_1', mode: 'asynchronous' },
      ...{ deadline: null, steps: Array.from({ length: 30 }, () => step) },
      ...{ variables: { headers: {}, query: {}, body: null } },
    });
    const [execution] = await trigger.ended(1);
    expect(execution).toMatchObject({ status: 'failed', failure: { code: 'TOO_LARGE' } });
  });
});

describe('an execution whose process went away', () => {
  const entropy = (bytes: number): Uint8Array => randomBytes(bytes);

  /** Leaves behind what a process leaves that ends in the middle: the stored call and some events of its execution. */
  async function leaveBehind(
    trigger: TestTrigger,
    mode: Mode,
    steps: Step[],
    after: ExecutionEvent[],
  ): Promise<string> {
    const { names } = platform.ground;
    const { streams } = platform.ground.open;
    const at = Date.now() - 120_000;
    const id = newExecutionId(at, entropy);
    const event = { id: newEventId(at, entropy), tenant: platform.tenant, type: 'trigger.received', jobId: null };
    const variables = { headers: {}, query: {}, body: { id: 'o-9' } };
    const started: ExecutionEvent = {
      ...{ type: 'execution_started', at, execution: id, tenant: platform.tenant, trigger: trigger.id as TriggerId },
      ...{ event: event.id, mode, deadline: mode === 'synchronous' ? at + 1_000 : null, steps, variables },
    };
    let execution: Execution | null = null;
    let sequence = 0;
    for (const each of [started, ...after]) {
      execution = evolveExecution(execution, each);
      ({ sequence } = await streams.publish(encodeExecutionEvent(execution, each, sequence, 'gone', names)));
    }
    const data = Buffer.from(JSON.stringify({ trigger: trigger.id, name: 'orders', variables }));
    const message = encodeEvent({ ...event, taskId: null, time: at, acceptedAt: at }, data, null, names);
    const headers = triggerCallHeaders({ trigger: trigger.id as TriggerId, execution: id, mode });
    await streams.publish({ ...message, headers: { ...message.headers, ...headers } });
    return id;
  }

  const callOut = (path: string): Step => ({
    ...{ kind: 'call_out', label: null, method: 'POST', url: platform.receiver.url(path), headers: {} },
    ...{ body: '{{body.id}}', timeoutSeconds: 10, onFailure: 'fail' },
  });

  it('NB-07 is continued where it stopped, when nobody waits', async () => {
    const trigger = await TestTrigger.create(platform);
    const taken = { type: 'step_completed', at: Date.now(), step: 0, result: null, next: 1 } as const;
    const id = await leaveBehind(trigger, 'asynchronous', [callOut('/done'), callOut('/left')], [taken]);
    const [execution] = await trigger.ended(1);
    expect(execution).toMatchObject({ id, status: 'completed' });
    expect(platform.receiver.requestsTo('/done')).toEqual([]);
    expect(platform.receiver.requestsTo('/left').map((each) => each.text())).toEqual(['o-9']);
  });

  it('NB-07 is not run again, when its call was sent away as well', async () => {
    const { names, open } = platform.ground;
    const trigger = await TestTrigger.create(platform);
    const id = await leaveBehind(trigger, 'asynchronous', [callOut('/once')], []);
    await trigger.ended(1);
    const event = await open.streams.lastOn(
      names.streams.events,
      names.subjects.event(platform.tenant, 'trigger.received'),
    );
    const sequence = event?.sequence ?? 0;
    const waited = { kind: 'flow', tenant: platform.tenant, sequence, times: 1, dueAt: Date.now() } as const;
    await open.streams.publish(encodeDueEntry(waited, `flow:${sequence}`, names));
    await until('it was looked at', async () => {
      const { pending, ackPending } = await open.streams.lag(names.streams.retries, names.consumers.dueFlows);
      return pending === 0 && ackPending === 0;
    });
    expect((await trigger.ended(1)).map((execution) => execution.id)).toEqual([id]);
    expect(platform.receiver.requestsTo('/once')).toHaveLength(1);
  });

  it('NB-08 is recorded as failed, when its caller is gone', async () => {
    const trigger = await TestTrigger.create(platform);
    const id = await leaveBehind(trigger, 'synchronous', [callOut('/nobody')], []);
    const [execution] = await trigger.ended(1);
    expect(execution).toMatchObject({ id, status: 'failed', failure: { code: 'ABANDONED' } });
    expect(platform.receiver.requestsTo('/nobody')).toEqual([]);
  });
});
