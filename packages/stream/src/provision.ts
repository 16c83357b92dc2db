import { LANE_NAMES, type Topology } from '@grapnel/contracts/topology';
import { TRIGGER_EVENT_TYPE } from '@grapnel/domain/catalogue';
import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { type NatsConnection, nanos } from '@nats-io/nats-core';

export interface ProvisionOptions {
  readonly replicas: number;
  /** How long a producer's event id is remembered (ST-06). */
  readonly eventDedupeMs: number;
  /** How long an unacknowledged message waits before another process gets it: the time to recover from a crash. */
  readonly ackWaitMs: number;
  /** How long bodies are kept, for retries and replays. */
  readonly deliveriesMaxAgeMs: number;
  /** How long outcomes are kept, for rebuilds. */
  readonly outcomesMaxAgeMs: number;
  /** How long runs of flows are kept, for people who ask what happened. */
  readonly executionsMaxAgeMs: number;
  readonly eventsMaxAgeMs: number;
  /** Let the streams of the line take atomic batches; a server before 2.12 cannot serve streams that once did. */
  readonly batches: boolean;
}

const DAY = 86_400_000;

export const DEFAULT_PROVISION: ProvisionOptions = {
  replicas: 1,
  eventDedupeMs: 600_000,
  ackWaitMs: 20_000,
  eventsMaxAgeMs: 7 * DAY,
  deliveriesMaxAgeMs: 7 * DAY,
  outcomesMaxAgeMs: 30 * DAY,
  executionsMaxAgeMs: 30 * DAY,
  batches: false,
};

/** Members are gone when they have not said “I am here” for so long. */
export const MEMBER_TTL_MS = 6_000;

/** No wish to be left alone holds longer than a day. */
const CIRCUITS_TTL_MS = DAY;

/** States of an aggregate that are kept beside the current one, for people who ask what happened. */
const HISTORY_PER_AGGREGATE = 50;

/** Bulk replays under way in one partition, over all dispatchers: small, because they wait for everything else. */
const BULK_WINDOW = 32;

/** Calls whose flows run or are looked at, over all ingest processes: more than these have places for. */
const FLOWS_WINDOW = 8_192;

/** Lanes hold so many messages until these are due, saying “working” meanwhile. */
export const LANE_WINDOW = 512;

/** A body of 1 MB grows when it is rendered, escaped or enveloped. */
const MIN_PAYLOAD = 8 * 1_048_576;

/** Why the server cannot hold Grapnel's messages; `null` when it can. */
export function serverProblem({ info }: NatsConnection): string | null {
  const allowed = info?.max_payload ?? 0;
  if (allowed >= MIN_PAYLOAD) return null;
  return `nats-server takes messages of at most ${allowed} bytes; Grapnel needs ${MIN_PAYLOAD}: set max_payload: 8MB in its configuration`;
}

/** Makes every stream, consumer and bucket, or brings an existing one in line. Safe to repeat and to run twice at once. */
export async function provision(connection: NatsConnection, names: Topology, options: ProvisionOptions): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of streams(names, options)) await ensureStream(manager, stream);
  for (const [stream, consumer] of consumers(names, options)) await ensureConsumer(manager, stream, consumer);
  const kvm = new Kvm(connection);
  const { replicas } = options;
  await kvm.create(names.buckets.members, { ttl: MEMBER_TTL_MS, history: 1, replicas });
  await kvm.create(names.buckets.circuits, { ttl: CIRCUITS_TTL_MS, history: 1, replicas });
  await kvm.create(names.buckets.checkpoints, { history: 1, replicas });
}

type NamedStream = Partial<StreamConfig> & { readonly name: string };

function streams(names: Topology, options: ProvisionOptions): NamedStream[] {
  const common = {
    storage: StorageType.File,
    num_replicas: options.replicas,
    allow_direct: true,
    discard: DiscardPolicy.Old,
    duplicate_window: nanos(120_000),
  };
  // Said also where it is not wanted: an update keeps what it does not mention.
  const line = { ...common, allow_atomic: options.batches };
  return [
    {
      ...line,
      name: names.streams.events,
      subjects: [names.subjects.allEvents],
      max_age: nanos(options.eventsMaxAgeMs),
      duplicate_window: nanos(options.eventDedupeMs),
    },
    {
      ...common,
      name: names.streams.webhooks,
      subjects: [names.subjects.allWebhooks],
      max_msgs_per_subject: HISTORY_PER_AGGREGATE,
    },
    {
      ...line,
      name: names.streams.deliveries,
      subjects: [names.subjects.allDeliveries],
      max_age: nanos(options.deliveriesMaxAgeMs),
      duplicate_window: nanos(options.eventDedupeMs),
    },
    {
      ...line,
      name: names.streams.retries,
      subjects: [names.subjects.allRetries],
      retention: RetentionPolicy.Workqueue,
    },
    {
      ...line,
      name: names.streams.outcomes,
      subjects: [names.subjects.allOutcomes],
      max_age: nanos(options.outcomesMaxAgeMs),
    },
    {
      ...common,
      name: names.streams.totals,
      subjects: [names.subjects.allTotals],
      max_msgs_per_subject: 1,
    },
    {
      ...common,
      name: names.streams.executions,
      subjects: [names.subjects.allExecutions],
      max_age: nanos(options.executionsMaxAgeMs),
    },
    {
      ...common,
      name: names.streams.setAside,
      subjects: [names.subjects.allSetAside],
      max_msgs_per_subject: 1,
    },
  ];
}

type NamedConsumer = Partial<ConsumerConfig> & { readonly durable_name: string };

function* consumers(names: Topology, options: ProvisionOptions): Generator<[stream: string, NamedConsumer]> {
  const work = { ack_policy: AckPolicy.Explicit, ack_wait: nanos(options.ackWaitMs), max_deliver: -1 };
  const c = names.consumers;
  yield [names.streams.events, { ...work, durable_name: c.fanout, max_ack_pending: 4_096 }];
  const calls = names.subjects.eventsOfType(TRIGGER_EVENT_TYPE);
  yield [
    names.streams.events,
    { ...work, durable_name: c.flows, filter_subject: calls, max_ack_pending: FLOWS_WINDOW },
  ];
  yield [
    names.streams.retries,
    {
      ...work,
      durable_name: c.dueFlows,
      filter_subject: names.subjects.allDueFlows,
      max_ack_pending: FLOWS_WINDOW,
    },
  ];
  for (let p = 0; p < names.partitions; p++) {
    const { subjects } = names;
    const filters = { deliveries: subjects.deliveriesIn(p), due: subjects.dueIn(p), bulk: subjects.bulkIn(p) };
    yield [
      names.streams.deliveries,
      { ...work, durable_name: c.dispatch(p), filter_subject: filters.deliveries, max_ack_pending: 2_048 },
    ];
    yield [
      names.streams.retries,
      { ...work, durable_name: c.due(p), filter_subject: filters.due, max_ack_pending: 1_024 },
    ];
    yield [
      names.streams.retries,
      { ...work, durable_name: c.bulk(p), filter_subject: filters.bulk, max_ack_pending: BULK_WINDOW },
    ];
  }
  for (const lane of LANE_NAMES) {
    yield [
      names.streams.retries,
      {
        ...work,
        durable_name: c.lane(lane),
        filter_subject: names.subjects.lane(lane),
        max_ack_pending: LANE_WINDOW,
      },
    ];
  }
}

async function ensureStream(manager: JetStreamManager, config: NamedStream): Promise<void> {
  try {
    await manager.streams.info(config.name);
    await manager.streams.update(config.name, config);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await manager.streams.add(config);
  }
}

/** Creating a consumer that is there updates it; what cannot be changed is left as it is. */
async function ensureConsumer(manager: JetStreamManager, stream: string, config: NamedConsumer): Promise<void> {
  try {
    await manager.consumers.info(stream, config.durable_name);
    await manager.consumers.update(stream, config.durable_name, config);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await manager.consumers.add(stream, config);
  }
}

const isNotFound = (error: unknown): boolean => error instanceof JetStreamApiError && error.status === 404;
