import { decodeEvent } from '@grapnel/contracts/event-codec';
import { decodeCallVariables, decodeTriggerCall, type TriggerCall } from '@grapnel/contracts/execution-codec';
import { type Message, TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import { decodeWaitingFlow, encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { Event } from '@grapnel/domain/event/event';
import type { TenantId } from '@grapnel/domain/ids';
import { TRIGGER_LIMITS } from '@grapnel/domain/trigger/trigger';
import { flowWaitMs } from '@grapnel/domain/trigger/waiting-flow';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { SharedPlaces } from '@grapnel/runtime/shared-places';
import { type EventStreams, type Received, StoreUnavailable, WrongLastSequence } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
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
  /** For flows under way in this process: nobody's slow ones take all. */
  readonly places: SharedPlaces<TenantId>;
  /** For calls that wait in hand for such a place, for a moment. */
  readonly pauses: SharedPlaces<TenantId>;
}

/** A call that is to be dealt with. */
interface Asked {
  /** Ended when that is done, or stored elsewhere. */
  readonly message: Received;
  /** The call as an event. */
  readonly stored: Message;
  /** How often it was sent away. */
  readonly times: number;
}

/** Within the time after which another process is given the event. */
const WORKING_MS = 3_000;
const LATER_MS = 2_000;
/** For a place in hand, before a call goes to the lanes. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 200;
/** Looks at a synchronous flow of another process: most are over in no time, and to come again would cost more than to wait. */
const SOON_OVER_MS = [0, 200, 1_800];
/** A trigger that another replica knew may not have reached this one. */
const UNKNOWN_FOR_MS = 30_000;
/** An answer may be on its way when the time is over. */
const GRACE_MS = 5_000;

/**
 * Reads the calls of triggers and runs what follows from them, until `signal` aborts. The event is acknowledged when its
 * execution is over: after a crash it comes again, and what is stored of the execution says where to go on. A call whose
 * tenant has no place left goes through the lanes and comes again, so that it keeps nobody else's from being looked at.
 */
export async function runFlows(context: FlowsContext, signal: AbortSignal): Promise<void> {
  const { streams, names, places, pauses } = context;
  // Beside those that run there is room for those that are looked at.
  const maxInFlight = places.capacity + pauses.capacity;
  const { flows, dueFlows } = names.consumers;
  const { events, retries } = names.streams;
  await Promise.all([
    streams.consume({ stream: events, durable: flows, maxInFlight, signal }, (message) =>
      ending(context, message, () => handle(context, { message, stored: message, times: 0 }, signal)),
    ),
    streams.consume({ stream: retries, durable: dueFlows, maxInFlight, signal }, (message) =>
      ending(context, message, () => handleDue(context, message, signal)),
    ),
  ]);
}

async function ending({ logger }: FlowsContext, message: Received, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof UnreadableMessage) {
      logger.error({ err: error }, 'an unreadable call was passed over');
      message.term('unreadable');
    } else if (error instanceof StoreUnavailable && !error.retryable) {
      logger.error({ err: error, sequence: message.sequence }, 'the store does not take an execution');
      message.term('refused by the store');
    } else if (error instanceof StoreUnavailable || error instanceof WrongLastSequence) {
      // Somebody is away, or another process runs the same execution: whoever gets it next finds out.
      message.nak(LATER_MS);
    } else {
      throw error;
    }
  }
}

async function handleDue(context: FlowsContext, message: Received, signal: AbortSignal): Promise<void> {
  const { streams, names, logger } = context;
  const { sequence, times } = decodeWaitingFlow(message);
  const stored = await streams.get(names.streams.events, sequence);
  if (stored !== null) return handle(context, { message, stored, times }, signal);
  logger.warn({ sequence }, 'a call waited longer than its event is kept');
  message.ack();
}

async function handle(context: FlowsContext, asked: Asked, signal: AbortSignal): Promise<void> {
  const { places, clock } = context;
  const call = decodeTriggerCall(asked.stored);
  if (call === null) return asked.message.ack();
  const event = decodeEvent(asked.stored);
  if (call.mode === 'synchronous') return watchOver(context, asked, call, event, signal);
  const { tenant } = event;
  if (!(await findPlace(context, tenant))) {
    const waitMs = flowWaitMs(asked.stored.sequence, asked.times + 1);
    return sendAway(context, asked, tenant, clock.now() + waitMs, signal);
  }
  try {
    await run(context, asked, call, event, signal);
  } catch (error) {
    if (!(error instanceof CallOutUnavailable)) throw error;
    if (signal.aborted) asked.message.nak();
    else await sendAway(context, asked, tenant, clock.now() + LATER_MS, signal);
  } finally {
    places.release(tenant);
  }
}

/** Waits a moment for one: through the lanes a burst would take a second or more, and cost more. */
async function findPlace({ places, pauses, clock }: FlowsContext, tenant: TenantId): Promise<boolean> {
  if (places.tryAcquire(tenant)) return true;
  if (!pauses.tryAcquire(tenant)) return false;
  try {
    for (let look = 0; look < LOOKS; look++) {
      await clock.sleep(LOOK_AGAIN_MS);
      if (places.tryAcquire(tenant)) return true;
    }
    return false;
  } finally {
    pauses.release(tenant);
  }
}

async function run(
  context: FlowsContext,
  asked: Asked,
  call: TriggerCall,
  event: Event,
  signal: AbortSignal,
): Promise<void> {
  const { runner, clock } = context;
  const { message, stored, times } = asked;
  const known = message.redelivered || times > 0;
  let progress = known ? await runner.load(event.tenant, call.trigger, call.execution) : null;
  progress ??= await begin(context, asked, call, event);
  if (progress === null) return;
  const begun = progress;
  const stopWorking = keepWorking(clock, message);
  try {
    const parent = stored.header(TRACEPARENT) ?? null;
    const over = await inFlowSpan(begun.execution, parent, () => toTheEnd(runner, begun, signal));
    if (over) message.ack();
    else message.nak();
  } finally {
    stopWorking();
  }
}

/** Through the lanes: stored there before it is ended here. */
async function sendAway(
  { streams, names, clock }: FlowsContext,
  { message, stored: { sequence }, times }: Asked,
  tenant: TenantId,
  dueAt: number,
  signal: AbortSignal,
): Promise<void> {
  const entry = { kind: 'flow', tenant, sequence, times: times + 1, dueAt } as const;
  const waiting = encodeLaneEntry(entry, `flow:${sequence}`, clock.now(), 1, names);
  try {
    await publishUntilStored(streams, waiting, clock, signal);
    message.ack();
  } catch (error) {
    if (!signal.aborted) throw error;
    message.nak();
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
  { message, stored }: Asked,
  { trigger: id, execution }: TriggerCall,
  event: Event,
): Promise<Progress | null> {
  const trigger = triggers.byId(id);
  if (trigger === null || trigger.tenant !== event.tenant) {
    const mayCome = triggers.problem() !== null || clock.now() < stored.storedAt + UNKNOWN_FOR_MS;
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
      variables: decodeCallVariables(stored),
      hops: event.hops ?? 1,
    });
  } catch (error) {
    if (!(error instanceof WrongLastSequence)) throw error;
    return runner.load(event.tenant, id, execution);
  }
}

/** Whoever holds the caller's connection runs the flow; when it went away, the execution is recorded as failed. */
async function watchOver(
  context: FlowsContext,
  asked: Asked,
  { trigger, execution: id }: TriggerCall,
  event: Event,
  signal: AbortSignal,
): Promise<void> {
  const { runner, synchronous, clock } = context;
  const here = synchronous.underWay(id);
  const looks = asked.times > 0 ? [0] : here === null ? SOON_OVER_MS : [LATER_MS];
  let progress: Progress | null = null;
  for (const ms of looks) {
    await (here === null ? clock.sleep(ms) : Promise.race([here, clock.sleep(ms)]));
    progress = await runner.load(event.tenant, trigger, id);
    if (progress !== null && progress.execution.status.kind !== 'running') return asked.message.ack();
  }
  const overAt = abandonedAt(event, progress);
  if (clock.now() < overAt) return sendAway(context, asked, event.tenant, overAt, signal);
  if (progress !== null) {
    await runner.fail(progress, { code: 'ABANDONED', message: 'the process that held the connection went away' });
  }
  asked.message.ack();
}

/** When nobody can be at work on a synchronous flow any more. */
function abandonedAt(event: Event, progress: Progress | null): number {
  const longest = event.acceptedAt + TRIGGER_LIMITS.timeoutSeconds.max * 1_000;
  return (progress?.execution.deadline ?? longest) + GRACE_MS;
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
