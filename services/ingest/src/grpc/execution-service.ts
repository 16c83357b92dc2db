import { fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import { decodeExecutionSummary, type ExecutionSummary, summaryOf } from '@grapnel/contracts/execution-codec';
import {
  type ExecutionSchema,
  ExecutionService,
  Execution_Status as Status,
  type StepTakenSchema,
} from '@grapnel/contracts/gen/grapnel/ingest/v1/execution_pb';
import type { Topology } from '@grapnel/contracts/topology';
import { isExecutionId, isTriggerId, type TriggerId } from '@grapnel/domain/ids';
import type { Execution, ExecutionEvent } from '@grapnel/domain/trigger/execution';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import { pageByIds, pageSizeOf } from '@grapnel/rpc/paging';
import { type Registration, register } from '@grapnel/rpc/server';
import type { EventStreams } from '@grapnel/stream/ports';
import type { FlowRunner } from '../triggers/flow-runner.ts';

export interface ExecutionServiceContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly runner: FlowRunner;
}

const PAGE = { default: 20, max: 100 };

/** Runs of flows, read from the stream that holds them. */
export function executionService({ streams, names, runner }: ExecutionServiceContext): Registration {
  const stream = names.streams.executions;
  return register(ExecutionService, 'tenant', {
    async listExecutions(request, { principal }) {
      const { triggerId } = request;
      const tenant = tenantOf(principal);
      if (!isTriggerId(triggerId)) throw RpcError.notFound('Trigger', triggerId);
      const size = pageSizeOf(request, PAGE, isExecutionId);
      const subjects = await streams.subjects(stream, names.subjects.executionsOf(tenant, triggerId));
      // Ids begin with the time.
      const newestFirst = subjects.toSorted().toReversed();
      const { entries, nextPageToken } = pageByIds(request, size, newestFirst, idIn);
      const page = await Promise.all(entries.map((subject) => streams.lastOn(stream, subject)));
      // What has aged out meanwhile is not there any more.
      const summaries = page.flatMap((message) => (message === null ? [] : decodeExecutionSummary(message)));
      return { executions: summaries.map((summary) => executionMessage(summary)), nextPageToken };
    },

    async getExecution({ executionId }, { principal }) {
      const tenant = tenantOf(principal);
      const notFound = () => RpcError.notFound('Execution', executionId);
      if (!isExecutionId(executionId)) throw notFound();
      const [subject] = await streams.subjects(stream, names.subjects.executionById(tenant, executionId));
      if (subject === undefined) throw notFound();
      const found = await runner.history(tenant, subject.split('.').at(-2) as TriggerId, executionId);
      if (found === null) throw notFound();
      const { execution } = found.progress;
      return executionMessage(summaryOf(execution), stepsTaken(execution, found.events));
    },
  });
}

const idIn = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);

type StepInit = MessageInitShape<typeof StepTakenSchema>;

function executionMessage(summary: ExecutionSummary, steps: StepInit[] = []): MessageInitShape<typeof ExecutionSchema> {
  const { status } = summary;
  return {
    id: summary.id,
    triggerId: summary.trigger,
    eventId: summary.event,
    synchronous: summary.mode === 'synchronous',
    status: STATUS[status.kind],
    startedAt: timestampFromMs(summary.startedAt),
    ...(status.kind === 'running' ? {} : { endedAt: timestampFromMs(status.at) }),
    ...(status.kind === 'failed'
      ? { failure: { ...status.failure, ...(status.step === null ? {} : { step: status.step }) } }
      : {}),
    responseStatus: summary.responseStatus ?? 0,
    steps,
  };
}

const STATUS = { running: Status.RUNNING, completed: Status.COMPLETED, failed: Status.FAILED } as const;

function stepsTaken({ steps }: Execution, events: readonly ExecutionEvent[]): StepInit[] {
  return events.flatMap((event) => {
    if (event.type !== 'step_completed' && event.type !== 'response_given') return [];
    const { kind = '', label = null } = steps[event.step] ?? {};
    const result = event.type === 'step_completed' ? event.result : event.response;
    // Digits that a double cannot hold are of no use to who only looks.
    const shown = JSON.parse(JSON.stringify(result)) as JsonValue;
    return {
      step: event.step,
      kind,
      ...(label === null ? {} : { label }),
      at: timestampFromMs(event.at),
      result: fromJson(ValueSchema, shown),
    };
  });
}
