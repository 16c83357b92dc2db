import { DEFAULT_PARTITIONS, type Topology, topology } from '@grapnel/contracts/topology';
import type { EnvReader } from '@grapnel/runtime/env';

/** Where the streams are and what they are called. */
export interface StreamConfig {
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly names: Topology;
  /** Publish in atomic batches: for a server with `sync_interval: always`, of 2.12 or newer. Default: no. */
  readonly batches?: boolean;
}

export function readStreamConfig(env: EnvReader): StreamConfig {
  return {
    servers: env
      .text('NATS_URL', 'nats://127.0.0.1:4222')
      .split(',')
      .map((url) => url.trim()),
    user: env.optional('NATS_USER'),
    password: env.optional('NATS_PASSWORD'),
    names: topology(
      {
        stream: env.text('GRAPNEL_STREAM_PREFIX', 'GRAPNEL_'),
        subject: env.text('GRAPNEL_SUBJECT_PREFIX', 'grapnel.'),
      },
      env.integer('GRAPNEL_PARTITIONS', DEFAULT_PARTITIONS, { min: 1, max: 256 }),
    ),
    batches: env.boolean('GRAPNEL_PUBLISH_BATCHES', false),
  };
}
