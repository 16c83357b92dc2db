import type { ExecutionId, TenantId, TriggerId, WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import { LANES } from '@grapnel/domain/retry';

/** Names on a NATS account are shared with others: everything Grapnel makes carries these. */
export interface Prefix {
  /** Of streams, consumers and buckets, e.g. `GRAPNEL_`. */
  readonly stream: string;
  /** Of subjects, with the dot, e.g. `grapnel.`. */
  readonly subject: string;
}

export const DEFAULT_PREFIX: Prefix = { stream: 'GRAPNEL_', subject: 'grapnel.' };
export const DEFAULT_PARTITIONS = 16;

/** Kinds of aggregates in the WEBHOOKS stream. */
export const AGGREGATE_KINDS = ['webhook', 'key', 'account', 'event_type', 'trigger', 'replay', 'replay_turn'] as const;
export type AggregateKind = (typeof AGGREGATE_KINDS)[number];

/** Every stream, subject, consumer and bucket name: nothing else in the code spells one. */
export interface Topology {
  readonly partitions: number;
  readonly streams: {
    readonly events: string;
    readonly webhooks: string;
    readonly deliveries: string;
    readonly retries: string;
    readonly outcomes: string;
    readonly totals: string;
    readonly executions: string;
    /** Events that could not be fanned out. */
    readonly setAside: string;
  };
  readonly buckets: {
    /** Live dispatchers; entries vanish when their heartbeat stops. */
    readonly members: string;
    /** Endpoints that are to be left alone, for dispatchers that start. */
    readonly circuits: string;
    /** How far a consumer that keeps its own position has come. */
    readonly checkpoints: string;
  };
  readonly consumers: {
    readonly fanout: string;
    /** Calls of triggers, for the flows they start. */
    readonly flows: string;
    /** Calls whose flows have waited. */
    readonly dueFlows: string;
    dispatch(partition: number): string;
    due(partition: number): string;
    /** Bulk replays: apart, so that they delay nothing else. */
    bulk(partition: number): string;
    lane(name: string): string;
  };
  readonly subjects: {
    readonly allEvents: string;
    event(tenant: TenantId, type: string): string;
    readonly allWebhooks: string;
    aggregate(tenant: TenantId, kind: AggregateKind, id: string): string;
    aggregatesOf(kind: AggregateKind): string;
    readonly allDeliveries: string;
    delivery(webhook: WebhookId): string;
    deliveriesIn(partition: number): string;
    readonly allRetries: string;
    lane(name: string): string;
    due(webhook: WebhookId): string;
    dueIn(partition: number): string;
    bulk(webhook: WebhookId): string;
    bulkIn(partition: number): string;
    readonly allDueFlows: string;
    dueFlow(tenant: TenantId): string;
    readonly allOutcomes: string;
    outcome(webhook: WebhookId): string;
    readonly allTotals: string;
    totals(webhook: WebhookId): string;
    /** Events of one type, of every tenant. */
    eventsOfType(type: string): string;
    readonly allSetAside: string;
    setAside(id: string): string;
    readonly allExecutions: string;
    execution(tenant: TenantId, trigger: TriggerId, id: ExecutionId): string;
    executionsOf(tenant: TenantId, trigger: TriggerId): string;
    /** Whichever trigger it belongs to. */
    executionById(tenant: TenantId, id: ExecutionId): string;
  };
}

/** The webhook that a subject of DELIVERIES, OUTCOMES or due retries ends with. */
export const webhookIn = (subject: string): WebhookId => subject.slice(subject.lastIndexOf('.') + 1) as WebhookId;

export const LANE_NAMES: readonly string[] = LANES.map((lane) => lane.name);

export function topology(prefix: Prefix = DEFAULT_PREFIX, partitions: number = DEFAULT_PARTITIONS): Topology {
  const { stream, subject } = prefix;
  const p = (webhook: WebhookId): number => partitionOf(webhook, partitions);
  return {
    partitions,
    streams: {
      events: `${stream}EVENTS`,
      webhooks: `${stream}WEBHOOKS`,
      deliveries: `${stream}DELIVERIES`,
      retries: `${stream}RETRIES`,
      outcomes: `${stream}OUTCOMES`,
      totals: `${stream}TOTALS`,
      executions: `${stream}EXECUTIONS`,
      setAside: `${stream}SET_ASIDE`,
    },
    buckets: {
      members: `${stream}MEMBERS`,
      circuits: `${stream}CIRCUITS`,
      checkpoints: `${stream}CHECKPOINTS`,
    },
    consumers: {
      fanout: 'fanout',
      flows: 'flows',
      dueFlows: 'due-flows',
      dispatch: (partition) => `dispatch-${partition}`,
      due: (partition) => `due-${partition}`,
      bulk: (partition) => `bulk-${partition}`,
      lane: (name) => `lane-${name}`,
    },
    subjects: {
      allEvents: `${subject}events.>`,
      event: (tenant, type) => `${subject}events.${tenant}.${type}`,
      allWebhooks: `${subject}webhooks.>`,
      aggregate: (tenant, kind, id) => `${subject}webhooks.${tenant}.${kind}.${id}`,
      aggregatesOf: (kind) => `${subject}webhooks.*.${kind}.*`,
      allDeliveries: `${subject}deliveries.>`,
      delivery: (webhook) => `${subject}deliveries.${p(webhook)}.${webhook}`,
      deliveriesIn: (partition) => `${subject}deliveries.${partition}.>`,
      allRetries: `${subject}retries.>`,
      lane: (name) => `${subject}retries.lane.${name}`,
      due: (webhook) => `${subject}retries.due.${p(webhook)}.${webhook}`,
      dueIn: (partition) => `${subject}retries.due.${partition}.>`,
      bulk: (webhook) => `${subject}retries.bulk.${p(webhook)}.${webhook}`,
      bulkIn: (partition) => `${subject}retries.bulk.${partition}.>`,
      allDueFlows: `${subject}retries.flow.>`,
      dueFlow: (tenant) => `${subject}retries.flow.${tenant}`,
      allOutcomes: `${subject}outcomes.>`,
      outcome: (webhook) => `${subject}outcomes.${p(webhook)}.${webhook}`,
      allTotals: `${subject}totals.>`,
      totals: (webhook) => `${subject}totals.${webhook}`,
      eventsOfType: (type) => `${subject}events.*.${type}`,
      allSetAside: `${subject}setaside.>`,
      setAside: (id) => `${subject}setaside.${id}`,
      allExecutions: `${subject}executions.>`,
      execution: (tenant, trigger, id) => `${subject}executions.${tenant}.${trigger}.${id}`,
      executionsOf: (tenant, trigger) => `${subject}executions.${tenant}.${trigger}.*`,
      executionById: (tenant, id) => `${subject}executions.${tenant}.*.${id}`,
    },
  };
}
