import type { Execution, ExecutionEvent } from '@grapnel/domain/trigger/execution';
import { counter } from '@grapnel/runtime/instruments';
import { currentTraceparent, inSpan, SpanKind } from '@grapnel/runtime/tracing';
import { trace } from '@opentelemetry/api';

const tracer = trace.getTracer('grapnel');
const started = counter('grapnel.flows.started', { description: 'Executions begun, by mode.' });
const ended = counter('grapnel.flows.ended', { description: 'Executions ended, by mode, status and failure.' });
const steps = counter('grapnel.flows.steps', { description: 'Steps taken, by kind.' });

/** Counts what has been stored, so that an execution that moves to another process is counted once. */
export function countRecorded({ mode, steps: flow, status }: Execution, event: ExecutionEvent): void {
  switch (event.type) {
    case 'execution_started':
      return started.add(1, { mode });
    case 'step_completed':
    case 'response_given':
      return steps.add(1, { kind: flow[event.step]?.kind ?? 'unknown' });
    default:
      return ended.add(1, { mode, status: status.kind, failure: status.kind === 'failed' ? status.failure.code : '' });
  }
}

/** The span of as much of an execution as one process runs. */
export function inFlowSpan<T>(
  { id, tenant, trigger, mode }: Pick<Execution, 'id' | 'tenant' | 'trigger' | 'mode'>,
  parent: string | null,
  work: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'grapnel.execution.id': id,
    'grapnel.trigger.id': trigger,
    'grapnel.tenant': tenant,
    'grapnel.flow.mode': mode,
  };
  return inSpan(tracer, { name: 'run flow', kind: SpanKind.CONSUMER, parent, attributes }, work);
}

/** Below the flow's; `work` is told what the request should carry on. */
export function inCallOutSpan<T>(
  { method, url }: { readonly method: string; readonly url: string },
  step: number,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  const attributes = {
    'http.request.method': method,
    'server.address': URL.canParse(url) ? new URL(url).hostname : '',
    'grapnel.flow.step': step,
  };
  const span = { name: `call out ${method}`, kind: SpanKind.CLIENT, parent: currentTraceparent(), attributes };
  return inSpan(tracer, span, () => work(currentTraceparent()));
}
