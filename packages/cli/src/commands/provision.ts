import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { provisionStreams, withoutCredentials } from '../provision-streams.ts';
import type { Screen } from '../screen.ts';
import { readProvisionEnv } from './config.ts';
import { runningAt, USUAL_DATA_DIR } from './running.ts';

const HELP = `
Safe to repeat: what is there is brought in line. The NATS is that of NATS_URL, or of the platform that runs on the data
directory. Reads NATS_URL, NATS_USER, NATS_PASSWORD, GRAPNEL_STREAM_PREFIX,
GRAPNEL_SUBJECT_PREFIX, GRAPNEL_PARTITIONS, GRAPNEL_STREAM_REPLICAS (1), GRAPNEL_EVENTS_DAYS (7), GRAPNEL_DELIVERIES_DAYS (7),
GRAPNEL_OUTCOMES_DAYS (30), GRAPNEL_EVENT_DEDUPE_MS (600000), GRAPNEL_ACK_WAIT_MS (20000) and GRAPNEL_PUBLISH_BATCHES (false).

Example:
  $ NATS_URL=nats://nats.internal:4222 GRAPNEL_STREAM_REPLICAS=3 grapnel provision`;

/** `grapnel provision` */
export function addProvision(program: Command, screen: Screen, env: EnvSource): void {
  program
    .command('provision')
    .description('make the streams, consumers and buckets of a deployment ("up" does it by itself)')
    .option('--data-dir <dir>', 'of a platform started with "grapnel up" (default: .grapnel)')
    .addHelpText('after', HELP)
    .action(async ({ dataDir }: { readonly dataDir?: string }) => {
      const { stream, options } = readProvisionEnv(await withNats(env, dataDir));
      await provisionStreams(stream, options);
      const names = Object.values(stream.names.streams).join(', ');
      screen.print(`${names} are in place at ${stream.servers.map(withoutCredentials).join(', ')}.`);
    });
}

/** Whoever names a NATS means that one; a data directory that is named wins over it, as in every other command. */
async function withNats(env: EnvSource, dataDir: string | undefined): Promise<EnvSource> {
  if (dataDir === undefined && env['NATS_URL'] !== undefined) return env;
  const { dir, runtime } = await runningAt(dataDir ?? USUAL_DATA_DIR);
  if (runtime !== undefined) return { ...env, NATS_URL: runtime.nats };
  if (dataDir === undefined) return env;
  throw new CommandError(`No platform is running in ${dir.path}: start it with npm start, or set NATS_URL.`);
}
