import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { provisionStreams, withoutCredentials } from '../provision-streams.ts';
import type { Screen } from '../screen.ts';
import { readProvisionEnv } from './config.ts';

const HELP = `
Safe to repeat: what is there is brought in line. Reads NATS_URL, NATS_USER, NATS_PASSWORD, GRAPNEL_STREAM_PREFIX,
GRAPNEL_SUBJECT_PREFIX, GRAPNEL_PARTITIONS, GRAPNEL_STREAM_REPLICAS (1), GRAPNEL_EVENTS_DAYS (7), GRAPNEL_DELIVERIES_DAYS (7),
GRAPNEL_OUTCOMES_DAYS (30), GRAPNEL_EVENT_DEDUPE_MS (600000) and GRAPNEL_ACK_WAIT_MS (20000).

Example:
  $ NATS_URL=nats://nats.internal:4222 GRAPNEL_STREAM_REPLICAS=3 grapnel provision`;

/** `grapnel provision` */
export function addProvision(program: Command, screen: Screen, env: EnvSource): void {
  program
    .command('provision')
    .description('make the streams, consumers and buckets of a deployment ("up" does it by itself)')
    .addHelpText('after', HELP)
    .action(async () => {
      const { stream, options } = readProvisionEnv(env);
      await provisionStreams(stream, options);
      const names = Object.values(stream.names.streams).join(', ');
      screen.print(`${names} are in place at ${stream.servers.map(withoutCredentials).join(', ')}.`);
    });
}
