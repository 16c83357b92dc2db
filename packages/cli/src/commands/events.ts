import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type SetAsideEvent, SetAsideService } from '@grapnel/contracts/gen/grapnel/subscription/v1/set_aside_pb';
import type { RpcClient } from '@grapnel/rpc/client';
import { RpcError } from '@grapnel/rpc/errors';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, shortTime, table } from './table.ts';

interface ListOptions extends ConnectionOptions {
  readonly limit: number;
  readonly json?: boolean;
}

interface RetryOptions extends ConnectionOptions {
  readonly all?: boolean;
}

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel events set-aside list
  $ grapnel events set-aside retry 1769508000123-42
  $ grapnel events set-aside retry --all`;

const MOST = 1_000;

/** `grapnel events set-aside …` */
export function addEvents(program: Command, screen: Screen, env: EnvSource): void {
  const events = program.command('events').description('events that need a person (for operators)');
  const aside = events.command('set-aside').description('events that could not be fanned out, and why');
  for (const group of [events, aside]) group.addHelpText('after', HELP);

  async function asOperator<T>(
    options: ConnectionOptions,
    call: (client: RpcClient<typeof SetAsideService>) => Promise<T>,
  ): Promise<T> {
    const connection = await Connection.find(options, env);
    using channel = connection.operatorChannel('subscriptionGrpc');
    return await call(channel.client(SetAsideService));
  }

  withConnection(aside.command('list'))
    .description('list them, oldest first')
    .option('--limit <n>', 'how many', Number, 100)
    .option('--json', 'print JSON')
    .action(async (options: ListOptions) => {
      const { events: found, total } = await asOperator(options, (client) =>
        client.listSetAside({ limit: options.limit }),
      );
      if (options.json) return screen.print(json(found.map(shown)));
      if (found.length === 0) return screen.say('No events are set aside.');
      const rows = found
        .map(shown)
        .map((event) => [
          ...[event.id, event.tenant, event.type, event.event_id, shortTime(event.stored_at), String(event.tries)],
          event.reason,
        ]);
      for (const line of table(['id', 'tenant', 'type', 'event', 'stored', 'tries', 'reason'], rows))
        screen.print(line);
      if (total > BigInt(found.length)) screen.say(`${total} in all; --limit shows more.`);
    });

  withConnection(aside.command('retry [id]'))
    .description('fan one out again, or all')
    .option('--all', 'every one of them')
    .action(async (id: string | undefined, options: RetryOptions) => {
      if ((id === undefined) === (options.all !== true)) throw new CommandError('Give an id, or --all.');
      await asOperator(options, async (client) => {
        const ids =
          id === undefined ? (await client.listSetAside({ limit: MOST })).events.map((each) => each.id) : [id];
        const failed: string[] = [];
        for (const each of ids) {
          try {
            const { deliveries } = await client.retrySetAside({ id: each });
            screen.print(`${each}: ${deliveries} deliveries`);
          } catch (error) {
            if (!(error instanceof RpcError)) throw error;
            failed.push(`${each}: ${error.message}`);
          }
        }
        if (failed.length > 0) throw new CommandError(failed.join('\n'));
      });
    });
}

function shown({ id, tenant, eventId, type, jobId, reason, tries, storedAt, setAsideAt, bytes }: SetAsideEvent) {
  return {
    ...{ id, tenant, type, reason, tries },
    event_id: eventId,
    job_id: jobId === '' ? null : jobId,
    bytes: Number(bytes),
    stored_at: storedAt === undefined ? '' : timestampDate(storedAt).toISOString(),
    set_aside_at: setAsideAt === undefined ? '' : timestampDate(setAsideAt).toISOString(),
  };
}
