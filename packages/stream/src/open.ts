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

/** Connects a service to the event streams; disposing it sends what is buffered and closes the connections. */
export async function openStreams(
  config: StreamConfig,
  name: string,
  clock: Clock,
  logger: Logger,
  publishing: Partial<PublisherOptions> = {},
): Promise<OpenStreams> {
  const { servers, user, password } = config;
  const login = user === null ? {} : { user, pass: password ?? '' };
  const connections = await openConnections({ servers, name, ...login }, logger);
  const streams = await JetStreamEventStreams.open(connections, clock, logger, publishing);
  return { streams, connections, [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose]() };
}
