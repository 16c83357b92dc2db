import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, shortTime, table } from './table.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

interface StartOptions extends Options {
  readonly status?: string;
  readonly from?: string;
  readonly to?: string;
  readonly events?: string;
  readonly rate?: number;
}

/** What the REST API says of a replay, as far as it is shown here. */
interface Replay {
  readonly replay_id: string;
  readonly webhook_id: string;
  readonly status: string;
  readonly detail: string | null;
  readonly progress: {
    readonly found: number;
    readonly queued: number;
    readonly skipped: number;
    readonly failed: number;
    readonly position: string | null;
  };
  readonly created_at: string;
  readonly ended_at: string | null;
}

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel replays start wh_01… --status failed,skipped --from 2026-01-27T10:00:00Z
  $ grapnel replays list
  $ grapnel replays show rpl_01…
  $ grapnel replays cancel rpl_01…`;

/** `grapnel replays …` */
export function addReplays(program: Command, screen: Screen, env: EnvSource): void {
  const replays = program.command('replays').description('send many deliveries again').addHelpText('after', HELP);
  const rest = async (options: ConnectionOptions) => (await Connection.find(options, env)).rest();
  const show = (replay: Replay, options: Options): void => {
    if (options.json) screen.print(json(replay));
    else for (const line of table(HEADS, [rowOf(replay)])) screen.print(line);
  };

  withConnection(replays.command('start <webhook-id>'))
    .description('replay deliveries of a webhook; those that failed, unless said otherwise')
    .option('--status <statuses>', 'failed, skipped, delivered or retrying, with commas between')
    .option('--from <time>', 'created at or after (ISO 8601)')
    .option('--to <time>', 'created before (ISO 8601)')
    .option('--events <types>', 'types or family.*, with commas between')
    .option('--rate <n>', 'deliveries a second, 1 to 1000', Number)
    .option('--json', 'print JSON')
    .action(async (webhook: string, options: StartOptions) => {
      const { status, from, to, events, rate } = options;
      const body = {
        ...(status === undefined ? {} : { status: parts(status) }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(events === undefined ? {} : { event_types: parts(events) }),
        ...(rate === undefined ? {} : { rate_per_second: rate }),
      };
      const path = `/webhooks/${encodeURIComponent(webhook)}/replay`;
      show((await (await rest(options)).call<{ data: Replay }>('POST', path, body)).data, options);
    });

  withConnection(replays.command('list'))
    .description('list them, newest first')
    .option('--webhook <id>', 'only of this webhook')
    .option('--json', 'print JSON')
    .action(async (options: Options & { readonly webhook?: string }) => {
      const query = options.webhook === undefined ? '' : `?webhook_id=${encodeURIComponent(options.webhook)}`;
      const { data } = await (await rest(options)).call<{ data: Replay[] }>('GET', `/replays${query}`);
      if (options.json) return screen.print(json(data));
      for (const line of table(HEADS, data.map(rowOf))) screen.print(line);
    });

  withConnection(replays.command('show <replay-id>'))
    .description('show how far one is')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      show((await (await rest(options)).call<{ data: Replay }>('GET', at(id))).data, options);
    });

  withConnection(replays.command('cancel <replay-id>'))
    .description('queue nothing more; what is queued is still sent')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      show((await (await rest(options)).call<{ data: Replay }>('POST', `${at(id)}/cancel`)).data, options);
    });
}

const HEADS = ['id', 'webhook', 'state', 'found', 'queued', 'skipped', 'failed', 'done to', 'created', ''];

function rowOf({ replay_id, webhook_id, status, detail, progress, created_at }: Replay): string[] {
  const { found, queued, skipped, failed, position } = progress;
  const counts = [found, queued, skipped, failed].map(String);
  return [replay_id, webhook_id, status, ...counts, shortTime(position), shortTime(created_at), detail ?? ''];
}

const at = (id: string): string => `/replays/${encodeURIComponent(id)}`;

const parts = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
