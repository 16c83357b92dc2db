import type { Topology } from '@grapnel/contracts/topology';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { StreamConfig } from './config.ts';
import { openConnections, type StreamConnections } from './connections.ts';
import { JetStreamEventStreams } from './jetstream.ts';
import type { EventStreams } from './ports.ts';
import type { PublisherOptions } from './publisher.ts';

export interface OpenStreams extends AsyncDisposable {
  readonly streams: EventStreams;
  /** For buckets and provisioning, which are beside the port. */
  readonly connections: StreamConnections;
}

/** The streams of the line take batches; the others hear of little, each at its time. */
function batchedStreamOf(subject: string, { streams, subjects }: Topology): string | null {
  const within = (all: string): boolean => subject.startsWith(all.slice(0, -1));
  if (within(subjects.allOutcomes)) return streams.outcomes;
  if (within(subjects.allDeliveries)) return streams.deliveries;
  if (within(subjects.allEvents)) return streams.events;
  return within(subjects.allRetries) ? streams.retries : null;
}

/**
 * Connects a service to the event streams; disposing it sends what is buffered and closes the connections. What is published
 * and not yet answered is to be waited for before that.
 */
export async function openStreams(
  config: StreamConfig,
  name: string,
  clock: Clock,
  logger: Logger,
  publishing: Partial<PublisherOptions> = {},
): Promise<OpenStreams> {
  const { servers, user, password, names, batches = false } = config;
  const login = user === null ? {} : { user, pass: password ?? '' };
  const connections = await openConnections({ servers, name, ...login }, logger);
  const batched = batches ? (subject: string) => batchedStreamOf(subject, names) : () => null;
  const streams = await JetStreamEventStreams.open(connections, clock, logger, { batched, ...publishing });
  return { streams, connections, [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose]() };
}
