import { aggregateOf, decodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { encodeEvent } from '@grapnel/contracts/event-codec';
import { encodeJson, type Message } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId } from '@grapnel/domain/ids';
import { type Operation, operationOfOutcome, operationOfReplay, operationOfWebhook } from '@grapnel/domain/operation';
import type { Replay, ReplayEvent } from '@grapnel/domain/replay/replay';
import type { WebhookEvent, WebhookState } from '@grapnel/domain/webhook/webhook';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { type FollowContext, type Follower, followStream, type Part, readOrPassOver } from './follow-stream.ts';
import type { OutcomeFact } from './outcome-facts.ts';

export interface OperationsContext extends FollowContext {
  readonly names: Topology;
  /** Who hears of every tenant's operations beside the tenant; `null`: nobody. */
  readonly operatorTenant: TenantId | null;
}

/**
 * WEBHOOKS and OUTCOMES → events about the platform's own work, which webhooks can subscribe to by name. Their ids follow
 * from what they tell, so that a batch that is read again tells nothing twice.
 */
export function operationsOfOutcomes(context: OperationsContext, signal: AbortSignal): Part<OutcomeFact> {
  return {
    name: 'operations-outcomes',
    beginning: BEGINNING,
    handle: (batch) =>
      tell(
        batch.flatMap((fact) => ofOutcome(fact) ?? []),
        context,
        signal,
      ),
  };
}

/** As {@link operationsOfOutcomes}, and runs until `signal` aborts. */
export function runOperationsOfWebhooks(context: OperationsContext, signal: AbortSignal): Promise<void> {
  const ofMessage = (message: Message): Operation[] => {
    const operation = readOrPassOver(message, ofAggregate, context.logger);
    return operation === null ? [] : [operation];
  };
  const follower: Follower<Message> = {
    stream: context.names.streams.webhooks,
    prepare: (batch) => Promise.resolve(batch),
    parts: [
      {
        name: 'operations-webhooks',
        beginning: BEGINNING,
        handle: (batch) => tell(batch.flatMap(ofMessage), context, signal),
      },
    ],
  };
  return followStream(follower, context, signal);
}

/** Their ids are remembered for minutes: after a loss of the checkpoints, a month of old news would be news again. */
const BEGINNING = 'now';

async function tell(operations: readonly Operation[], context: OperationsContext, signal: AbortSignal): Promise<void> {
  const publish = async ({ id, type, at, data }: Operation, tenant: TenantId): Promise<void> => {
    const event = { id, tenant, type, jobId: null, taskId: null, time: at, acceptedAt: context.clock.now() };
    const message = encodeEvent(event, encodeJson(data), null, context.names);
    await publishUntilStored(context.streams, message, context.clock, signal);
  };
  await Promise.all(operations.flatMap((each) => tenantsOf(each, context).map((to) => publish(each, to))));
}

function tenantsOf({ tenant }: Operation, { operatorTenant }: OperationsContext): TenantId[] {
  return operatorTenant === null || operatorTenant === tenant ? [tenant] : [tenant, operatorTenant];
}

function ofAggregate(message: Message): Operation | null {
  const { kind } = aggregateOf(message);
  const { event, state } = decodeRecorded(message);
  if (kind === 'webhook') return operationOfWebhook(event as WebhookEvent, state as WebhookState, message.sequence);
  if (kind === 'replay') return operationOfReplay(event as ReplayEvent, state as Replay);
  return null;
}

const ofOutcome = (fact: OutcomeFact): Operation | null =>
  fact.kind === 'delivered' ? null : operationOfOutcome(fact.outcome);
