import { type Command, InvalidArgumentError } from 'commander';
import type { Screen } from '../screen.ts';
import { readUpConfig } from './config.ts';
import { type UpOptions, up } from './up.ts';

const HELP = `
The platform runs on a nats-server and a Postgres of its own; NATS_URL and DATABASE_URL replace them. Everything is kept
in the data directory, and a later start goes on with it. The first start makes an API key, or takes GRAPNEL_API_KEY.

Ports are set by GATEWAY_PORT (8080), INGEST_GRPC_PORT (8081), INGEST_HTTP_PORT (8082), SUBSCRIPTION_GRPC_PORT (8083),
QUERY_GRPC_PORT (8084), DELIVERY_GRPC_PORT (8085), NATS_PORT and POSTGRES_PORT (any free one); 0 takes a free one.
With NATS_SYNC_ALWAYS=true everything is on the disk before it is acknowledged.

Examples:
  $ grapnel up                                    the platform, a demo customer and a crawl played through it
  $ ALLOW_LOCAL_WEBHOOKS=true grapnel up --no-demo
  $ GATEWAY_PORT=0 grapnel up --data-dir /tmp/try --dispatchers 2`;

/** `grapnel up` */
export function addUp(program: Command, screen: Screen, env: NodeJS.ProcessEnv): void {
  program
    .command('up')
    .description('run the whole platform on this machine')
    .option('--no-demo', 'the platform alone, without demo customer and demo crawl')
    .option('--data-dir <dir>', 'where everything is kept', '.grapnel')
    .option('--dispatchers <n>', 'dispatcher processes', dispatcherCount, 1)
    .option('--verbose', "show all of the services' logs", false)
    .addHelpText('after', HELP)
    .action((options: UpOptions) => up(options, readUpConfig(env), screen));
}

function dispatcherCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 16) return count;
  throw new InvalidArgumentError('It may be 1 to 16.');
}
