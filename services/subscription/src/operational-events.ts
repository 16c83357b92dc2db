import { aggregateOf, decodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { encodeEvent } from '@grapnel/contracts/event-codec';
import { encodeJson, type Message } from '@grapnel/contracts/message';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId } from '@grapnel/domain/ids';
import { type Operation, operationOfOutcome, operationOfReplay, operationOfWebhook } from '@grapnel/domain/operation';
import type { Replay, ReplayEvent } from '@grapnel/domain/replay/replay';
import type { WebhookEvent, WebhookState } from '@grapnel/domain/webhook/webhook';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { type FollowContext, type Follower, followStream, readOrPassOver } from './follow-stream.ts';

export interface OperationsContext extends FollowContext {
  readonly names: Topology;
  /** Who hears of every tenant's operations beside the tenant; `null`: nobody. */
  readonly operatorTenant: TenantId | null;
}

/**
 * WEBHOOKS and OUTCOMES → events about the platform's own work, which webhooks can subscribe to by name. Their ids follow
 * from what they tell, so that a batch that is read again tells nothing twice.
 */
export async function runOperationalEvents(context: OperationsContext, signal: AbortSignal): Promise<void> {
  const { webhooks, outcomes } = context.names.streams;
  const tell = async (batch: readonly Message[], operation: (message: Message) => Operation | null): Promise<void> => {
    const operations = batch.flatMap((message) => readOrPassOver(message, operation, context.logger) ?? []);
    await Promise.all(operations.flatMap((each) => tenantsOf(each, context).map((to) => publish(each, to))));
  };
  const publish = async (operation: Operation, tenant: TenantId): Promise<void> => {
    const { id, type, at, data } = operation;
    const event = { id, tenant, type, jobId: null, taskId: null, time: at, acceptedAt: context.clock.now() };
    const message = encodeEvent(event, encodeJson(data), null, context.names);
    await publishUntilStored(context.streams, message, context.clock, signal);
  };
  // Their ids are remembered for minutes: after a loss of the checkpoints, a month of old news would be news again.
  const beginning = 'now';
  const followers: Follower[] = [
    { name: 'operations-webhooks', stream: webhooks, beginning, handle: (batch) => tell(batch, ofAggregate) },
    { name: 'operations-outcomes', stream: outcomes, beginning, handle: (batch) => tell(batch, ofOutcome) },
  ];
  await Promise.all(followers.map((follower) => followStream(follower, context, signal)));
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

const ofOutcome = (message: Message): Operation | null => operationOfOutcome(decodeOutcome(message));
