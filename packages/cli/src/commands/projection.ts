import { ProjectionService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { readyz } from '../up/readiness.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, table } from './table.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

interface ServiceState {
  readonly service: string;
  readonly pid: number | null;
  readonly state: string;
}

/** `grapnel rebuild` */
export function addRebuild(program: Command, screen: Screen, env: EnvSource): void {
  withConnection(program.command('rebuild'))
    .description('empty the read model in Postgres and make it again from the streams (for operators)')
    .addHelpText('after', `${CONNECTION_HELP}\n\nIt goes on to its end, also when this command is interrupted.`)
    .action(async (options: ConnectionOptions) => {
      const connection = await Connection.find(options, env);
      using channel = connection.operatorChannel('queryGrpc');
      let total = 0n;
      let shown = -1;
      for await (const progress of channel.client(ProjectionService).rebuild({})) {
        ({ total } = progress);
        const percent = total === 0n ? 100 : Number((progress.done * 100n) / total);
        const line = `rebuilding: ${progress.done} of ${total} messages (${percent} %)`;
        screen.status(line);
        if (!screen.live && percent >= shown + 10) {
          screen.say(line);
          shown = percent;
        }
        if (!progress.finished) continue;
        screen.status('');
        screen.print(`The read model is rebuilt from ${total} messages.`);
        return;
      }
      throw new CommandError('The rebuild was interrupted; it is finished by itself, see "grapnel status".');
    });
}

/** `grapnel status` */
export function addStatus(program: Command, screen: Screen, env: EnvSource): void {
  withConnection(program.command('status'))
    .description('whether the services are ready, and how far the read model is (for operators)')
    .option('--json', 'print JSON')
    .addHelpText('after', CONNECTION_HELP)
    .action(async (options: Options) => {
      const connection = await Connection.find(options, env);
      const services = connection.embedded ? await serviceStates(connection) : [];
      const positions = await positionsOf(connection);
      if (options.json) {
        screen.print(json({ services, projection: positions }));
        return;
      }
      if (services.length > 0) {
        const rows = services.map(({ service, pid, state }) => [service, String(pid ?? '–'), state]);
        for (const line of table(['service', 'process', 'state'], rows)) screen.print(line);
        screen.print('');
      }
      const rows = positions.map(({ stream, checkpoint, last, behind }) => [
        stream,
        ...[checkpoint, last, behind].map(String),
      ]);
      for (const line of table(['stream', 'projected', 'newest', 'behind'], rows)) screen.print(line);
    });
}

async function serviceStates({ runtime }: Connection): Promise<ServiceState[]> {
  return Promise.all(
    Object.entries(runtime.pids).map(async ([service, pid]) => {
      const ops = runtime.ops[service];
      // The servers have no such page; their services say when one is away.
      const problem = ops === undefined ? null : await readyz(ops).catch(() => 'does not answer');
      const state = ops === undefined ? 'running' : (problem ?? 'ready');
      return { service, pid, state };
    }),
  );
}

async function positionsOf(connection: Connection) {
  using channel = connection.operatorChannel('queryGrpc');
  const { positions } = await channel.client(ProjectionService).getProjectionStatus({});
  return positions.map(({ stream, checkpoint, last }) => ({
    stream,
    checkpoint: Number(checkpoint),
    last: Number(last),
    behind: Number(last - checkpoint),
  }));
}
