import { decodeExecutionEvent, encodeExecutionEvent } from '@grapnel/contracts/execution-codec';
import { TRACEPARENT } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { ExecutionId, TenantId, TriggerId } from '@grapnel/domain/ids';
import {
  type Execution,
  type ExecutionEvent,
  type ExecutionFailure,
  evolveExecution,
} from '@grapnel/domain/trigger/execution';
import { type AskCondition, afterCallOut, type CallOutAnswer, nextAction } from '@grapnel/domain/trigger/flow';
import { HOPS_HEADER } from '@grapnel/domain/trigger/hops';
import type { Clock } from '@grapnel/runtime/clock';
import { type EventStreams, StoreUnavailable } from '@grapnel/stream/ports';
import type { CallOutSender } from './call-out-sender.ts';
import { countRecorded, inCallOutSpan } from './observe-flows.ts';

export interface FlowContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly callOut: CallOutSender;
  readonly ask: AskCondition;
  /** Names this process among those that write executions. */
  readonly writer: string;
}

/** An execution and where its last event is. */
export interface Progress {
  readonly execution: Execution;
  readonly sequence: number;
}

export interface History {
  readonly events: readonly ExecutionEvent[];
  readonly progress: Progress;
}

/** Of every request, whatever the flow says. */
const OURS: ReadonlySet<string> = new Set([HOPS_HEADER.toLowerCase(), 'idempotency-key', TRACEPARENT]);

/** Longer than a few hundred events take; then it is asked again whether they are there. */
const READ_WITHIN_MS = 2_000;

/**
 * Takes executions forward, one event at a time. Each is stored under the position of the one before, so that of two
 * processes that run the same execution one is told {@link WrongLastSequence}, and nothing is recorded twice.
 */
export class FlowRunner {
  readonly #context: FlowContext;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  /** What is stored of an execution; `null` when it has not begun. */
  async load(tenant: TenantId, trigger: TriggerId, id: ExecutionId): Promise<Progress | null> {
    return (await this.history(tenant, trigger, id))?.progress ?? null;
  }

  /** As {@link load}, with everything that happened. */
  async history(tenant: TenantId, trigger: TriggerId, id: ExecutionId): Promise<History | null> {
    const { streams, names } = this.#context;
    const stream = names.streams.executions;
    const subject = names.subjects.execution(tenant, trigger, id);
    for (;;) {
      const last = await streams.lastOn(stream, subject);
      if (last === null) return null;
      const events = await this.#eventsUntil(stream, subject, last.sequence);
      if (events === null) continue;
      const execution = events.reduce<Execution | null>(evolveExecution, null);
      return execution === null ? null : { events, progress: { execution, sequence: last.sequence } };
    }
  }

  /** `null` when the last one does not come: it may have been deleted with its trigger meanwhile. */
  async #eventsUntil(stream: string, subject: string, sequence: number): Promise<ExecutionEvent[] | null> {
    const stop = new AbortController();
    const givenUp = this.#context.clock.after(READ_WITHIN_MS, () => stop.abort());
    const events: ExecutionEvent[] = [];
    try {
      for await (const message of this.#context.streams.read(stream, { after: 0, subject, signal: stop.signal })) {
        events.push(decodeExecutionEvent(message));
        if (message.sequence >= sequence) return events;
      }
      return null;
    } finally {
      givenUp.cancel();
      stop.abort();
    }
  }

  /**
   * What the store will never take is recorded as a failed execution, without what makes it so large.
   * @throws WrongLastSequence, StoreUnavailable
   */
  async start(event: Extract<ExecutionEvent, { type: 'execution_started' }>): Promise<Progress> {
    try {
      return await this.#record(null, event);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || error.retryable) throw error;
      const begun = await this.#record(null, {
        ...event,
        steps: [],
        variables: { headers: {}, query: {}, body: null },
      });
      return this.fail(begun, TOO_LARGE);
    }
  }

  /** @throws WrongLastSequence, StoreUnavailable */
  fail(progress: Progress, failure: ExecutionFailure): Promise<Progress> {
    const step = progress.execution.position;
    return this.#record(progress, { type: 'execution_failed', at: this.#context.clock.now(), step, failure });
  }

  /**
   * One step further; the same progress when it is over.
   * @throws WrongLastSequence, StoreUnavailable, CallOutUnavailable
   */
  async advance(progress: Progress, signal: AbortSignal): Promise<Progress> {
    const { clock, ask } = this.#context;
    const { execution } = progress;
    const { deadline } = execution;
    const running = execution.status.kind === 'running';
    if (running && deadline !== null && clock.now() >= deadline) return this.fail(progress, TIMED_OUT);
    const action = nextAction(execution, ask, clock.now());
    switch (action.kind) {
      case 'over':
        return progress;
      case 'record':
        return this.#record(progress, action.event);
      case 'call_out': {
        const answer = await this.#callOut(progress, action, signal);
        if (deadline !== null && clock.now() >= deadline) return this.fail(progress, TIMED_OUT);
        return this.#record(progress, afterCallOut(execution, action.step, answer, clock.now()));
      }
    }
  }

  #callOut(
    { execution: { id, tenant, deadline, hops = 1 } }: Progress,
    { step, request }: Extract<ReturnType<typeof nextAction>, { kind: 'call_out' }>,
    signal: AbortSignal,
  ): Promise<CallOutAnswer> {
    const left = deadline === null ? request.timeoutMs : Math.max(1, deadline - this.#context.clock.now());
    // After a crash the same request may be made again: the other side can tell.
    const own = Object.entries(request.headers).filter(([name]) => !OURS.has(name.toLowerCase()));
    const headers = {
      ...Object.fromEntries(own),
      'idempotency-key': `${id}-${step}`,
      [HOPS_HEADER]: String(hops),
    };
    const timeoutMs = Math.min(request.timeoutMs, left);
    return inCallOutSpan(request, step, (traceparent) => {
      const carried = traceparent === null ? headers : { ...headers, [TRACEPARENT]: traceparent };
      return this.#context.callOut.send({ ...request, headers: carried, timeoutMs }, tenant, signal);
    });
  }

  async #record(progress: Progress | null, event: ExecutionEvent): Promise<Progress> {
    const { streams, names, writer } = this.#context;
    const execution = evolveExecution(progress?.execution ?? null, event);
    const message = encodeExecutionEvent(execution, event, progress?.sequence ?? 0, writer, names);
    try {
      const { sequence } = await streams.publish(message);
      countRecorded(execution, event);
      return { execution, sequence };
    } catch (error) {
      // What the store will never take is the flow's own fault; a failure is small enough to be told.
      if (!(error instanceof StoreUnavailable) || error.retryable || progress === null) throw error;
      if (event.type === 'execution_failed') throw error;
      return this.fail(progress, { code: 'TEMPLATE_FAILED', message: 'the result is too large to be kept' });
    }
  }
}

const TOO_LARGE: ExecutionFailure = {
  code: 'TOO_LARGE',
  message: 'the steps and the variables of the call are too large to be kept together',
};
const TIMED_OUT: ExecutionFailure = { code: 'TIMED_OUT', message: 'the time for the answer was over' };
