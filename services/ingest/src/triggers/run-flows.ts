import { decodeEvent } from '@grapnel/contracts/event-codec';
import { decodeCallVariables, decodeTriggerCall, type TriggerCall } from '@grapnel/contracts/execution-codec';
import { TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import { TRIGGER_LIMITS } from '@grapnel/domain/trigger/trigger';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { type EventStreams, type Received, StoreUnavailable, WrongLastSequence } from '@grapnel/stream/ports';
import { CallOutUnavailable } from './call-out-sender.ts';
import type { FlowRunner, Progress } from './flow-runner.ts';
import { inFlowSpan } from './observe-flows.ts';
import type { SynchronousFlows } from './synchronous-flows.ts';
import type { Triggers } from './trigger-directory.ts';

export interface FlowsContext {
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly triggers: Triggers;
  readonly runner: FlowRunner;
  readonly synchronous: SynchronousFlows;
}

/** Flows under way in one process; one that waits for an answer costs little. */
const MAX_FLOWS = 64;
/** Within the time after which another process is given the event. */
const WORKING_MS = 3_000;
const LATER_MS = 2_000;
/** A trigger that another replica knew may not have reached this one. */
const UNKNOWN_FOR_MS = 30_000;
/** An answer may be on its way when the time is over. */
const GRACE_MS = 5_000;

/**
 * Reads the calls of triggers and runs what follows from them, until `signal` aborts. The event is acknowledged when its
 * execution is over: after a crash it comes again, and what is stored of the execution says where to go on.
 */
export function runFlows(context: FlowsContext, signal: AbortSignal): Promise<void> {
  const { streams, names, logger } = context;
  const options = { stream: names.streams.events, durable: names.consumers.flows, maxInFlight: MAX_FLOWS, signal };
  return streams.consume(options, async (message) => {
    try {
      await handle(context, message, signal);
    } catch (error) {
      if (error instanceof UnreadableMessage) {
        logger.error({ err: error }, 'an unreadable call was passed over');
        message.term('unreadable');
      } else if (error instanceof StoreUnavailable && !error.retryable) {
        logger.error({ err: error, sequence: message.sequence }, 'the store does not take an execution');
        message.term('refused by the store');
      } else if (isTransient(error)) {
        message.nak(LATER_MS);
      } else {
        throw error;
      }
    }
  });
}

/** Somebody is away, or another process runs the same execution: whoever gets the event next finds out. */
const isTransient = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof WrongLastSequence || error instanceof CallOutUnavailable;

async function handle(context: FlowsContext, message: Received, signal: AbortSignal): Promise<void> {
  const call = decodeTriggerCall(message);
  if (call === null) return message.ack();
  const event = decodeEvent(message);
  if (call.mode === 'synchronous') return watchOver(context, message, call, event);
  const { runner } = context;
  let progress = message.redelivered ? await runner.load(event.tenant, call.trigger, call.execution) : null;
  progress ??= await begin(context, message, call, event);
  if (progress === null) return;
  const begun = progress;
  const stopWorking = keepWorking(context.clock, message);
  try {
    const parent = message.header(TRACEPARENT) ?? null;
    const over = await inFlowSpan(begun.execution, parent, () => toTheEnd(runner, begun, signal));
    if (over) message.ack();
    else message.nak();
  } finally {
    stopWorking();
  }
}

/** `false` when it was stopped before. */
async function toTheEnd(runner: FlowRunner, begun: Progress, signal: AbortSignal): Promise<boolean> {
  let progress = begun;
  while (!signal.aborted) {
    const next = await runner.advance(progress, signal);
    if (next === progress) return true;
    progress = next;
  }
  return false;
}

/** `null` when there is nothing to run; the message is ended then. */
async function begin(
  { triggers, runner, clock }: FlowsContext,
  message: Received,
  { trigger: id, execution }: TriggerCall,
  event: Event,
): Promise<Progress | null> {
  const trigger = triggers.byId(id);
  if (trigger === null || trigger.tenant !== event.tenant) {
    const mayCome = triggers.problem() !== null || clock.now() < message.storedAt + UNKNOWN_FOR_MS;
    if (mayCome) message.nak(LATER_MS);
    // Deleted since.
    else message.ack();
    return null;
  }
  try {
    return await runner.start({
      type: 'execution_started',
      at: clock.now(),
      execution,
      tenant: event.tenant,
      trigger: id,
      event: event.id,
      mode: 'asynchronous',
      deadline: null,
      steps: trigger.config.steps,
      variables: decodeCallVariables(message),
      hops: event.hops ?? 1,
    });
  } catch (error) {
    if (!(error instanceof WrongLastSequence)) throw error;
    return runner.load(event.tenant, id, execution);
  }
}

/** Whoever holds the caller's connection runs the flow; when it went away, the execution is recorded as failed. */
async function watchOver(
  { runner, synchronous, clock }: FlowsContext,
  message: Received,
  { trigger, execution: id }: TriggerCall,
  event: Event,
): Promise<void> {
  // Most are over in no time: to come again would cost more than to wait.
  const over = synchronous.underWay(id);
  if (over !== null) await Promise.race([over, clock.sleep(LATER_MS)]);
  const progress = await runner.load(event.tenant, trigger, id);
  if (progress !== null && progress.execution.status.kind !== 'running') return message.ack();
  const longest = event.acceptedAt + TRIGGER_LIMITS.timeoutSeconds.max * 1_000;
  const overAt = (progress?.execution.deadline ?? longest) + GRACE_MS;
  if (clock.now() < overAt) return message.nak(LATER_MS);
  if (progress !== null) {
    await runner.fail(progress, { code: 'ABANDONED', message: 'the process that held the connection went away' });
  }
  message.ack();
}

function keepWorking(clock: Clock, message: Received): () => void {
  const again = () =>
    clock.after(WORKING_MS, () => {
      message.working();
      timer = again();
    });
  let timer = again();
  return () => timer.cancel();
}
