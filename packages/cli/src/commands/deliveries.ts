import { QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { isDeliveryId } from '@grapnel/domain/ids';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { visible } from '../visible.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, shortTime, table } from './table.ts';
import { tailDeliveries } from './tail.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
  readonly webhook?: string;
}

interface ListOptions extends Options {
  readonly status?: string;
  readonly limit: string;
  readonly from?: string;
  readonly to?: string;
}

/** What the REST API says of a delivery, as far as it is shown here. */
export interface Delivery {
  readonly uuid: string;
  readonly webhook_subscription_uuid: string;
  readonly event_type: string;
  readonly status: string;
  readonly attempt_number: number;
  readonly response_status: number | null;
  readonly response_duration_ms: number | null;
  readonly error_code: string | null;
  readonly skip_reason: string | null;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
}

interface Attempt {
  readonly attempt_number: number;
  readonly succeeded: boolean;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly response_status: number | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly remote_address: string | null;
}

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel deliveries list --status failed --limit 20
  $ grapnel deliveries show dlv_01…
  $ grapnel deliveries replay dlv_01…
  $ grapnel deliveries tail --webhook wh_01…`;

/** `grapnel deliveries …` */
export function addDeliveries(program: Command, screen: Screen, env: EnvSource): void {
  const deliveries = program.command('deliveries').description('what was sent, and what came of it');
  deliveries.addHelpText('after', HELP);

  withConnection(deliveries.command('list'))
    .description('list them, newest first')
    .option('--webhook <id>', 'only of this webhook')
    .option('--status <status>', 'pending, retrying, delivered, failed or skipped')
    .option('--limit <n>', '1 to 1000', '50')
    .option('--from <time>', 'created at or after (ISO 8601)')
    .option('--to <time>', 'created before (ISO 8601)')
    .option('--json', 'print JSON')
    .action(async (options: ListOptions) => {
      const { webhook, status, limit, from, to } = options;
      const filters = { webhook_id: webhook, status, limit, from, to };
      const given = Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const rest = (await Connection.find(options, env)).rest();
      const path = `/deliveries?${new URLSearchParams(given).toString()}`;
      const { data } = await rest.call<{ data: Delivery[] }>('GET', path);
      if (options.json) return screen.print(json(data));
      if (data.length === 0) return screen.say('There are no such deliveries.');
      const rows = data.map((one) => [shortTime(one.created_at), one.uuid, one.event_type, one.status, outcomeOf(one)]);
      for (const line of table(['created', 'id', 'event', 'status', 'outcome'], rows)) screen.print(line);
      if (data.length === Number(limit)) screen.say(`There may be more: --limit shows up to 1000, --to older ones.`);
    });

  withConnection(deliveries.command('show <delivery-id>'))
    .description('show one with every attempt')
    .option('--webhook <id>', 'its webhook; found by itself when the history can be asked over gRPC')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      const connection = await Connection.find(options, env);
      const path = await pathOf(connection, id, options.webhook);
      const { data } = await connection.rest().call<{ data: Delivery & { attempts: Attempt[] } }>('GET', path);
      if (options.json) return screen.print(json(data));
      const { attempts, ...delivery } = data;
      for (const [name, value] of Object.entries(delivery))
        screen.print(`${name.padEnd(26)}${visible(String(value ?? '–'))}`);
      screen.print('');
      const rows = attempts.map((one) => [
        ...[String(one.attempt_number), shortTime(one.started_at), `${one.duration_ms} ms`],
        ...[String(one.response_status ?? '–'), one.error_code ?? '–', one.remote_address ?? '–'],
        one.error_message ?? '',
      ]);
      const heads = ['attempt', 'started', 'took', 'answer', 'error', 'address', ''];
      for (const line of table(heads, rows)) screen.print(line);
    });

  withConnection(deliveries.command('replay <delivery-id>'))
    .description('send one again: same body, same delivery id, new attempts')
    .option('--webhook <id>', 'its webhook; found by itself when the history can be asked over gRPC')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      const connection = await Connection.find(options, env);
      const path = await pathOf(connection, id, options.webhook);
      const answer = await connection.rest().call<{ message: string }>('POST', `${path}/replay`);
      screen.print(options.json ? json(answer) : answer.message);
    });

  withConnection(deliveries.command('tail'))
    .description('follow what happens to deliveries, until Ctrl-C')
    .option('--webhook <id>', 'only of this webhook')
    .option('--json', 'print JSON, one delivery per line')
    .action(async (options: Options) => {
      const connection = await Connection.find(options, env);
      for await (const delivery of tailDeliveries(connection.rest(), options.webhook, (line) => screen.say(line))) {
        screen.print(options.json ? JSON.stringify(delivery) : tailLine(delivery));
      }
    });
}

/** REST names a delivery by its webhook and itself; people remember the delivery alone. */
async function pathOf(connection: Connection, id: string, webhook: string | undefined): Promise<string> {
  if (!isDeliveryId(id)) {
    throw new CommandError(
      `"${id}" is not the id of a delivery, which is dlv_ and 26 letters and digits: "grapnel deliveries list" shows them.`,
    );
  }
  const webhookId = webhook ?? (await webhookOf(connection, id));
  return `/webhooks/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(id)}`;
}

async function webhookOf(connection: Connection, deliveryId: string): Promise<string> {
  using channel = connection.tenantChannel('queryGrpc');
  try {
    const { delivery } = await channel.client(QueryService).getDelivery({ deliveryId });
    return delivery?.webhookId ?? '';
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Code.NOT_FOUND) throw error;
    throw new CommandError(`There is no delivery ${deliveryId}: "grapnel deliveries list" shows those there are.`, {
      cause: error,
    });
  }
}

function outcomeOf(delivery: Delivery): string {
  const { attempt_number, response_status, response_duration_ms, error_code, skip_reason, next_attempt_at } = delivery;
  const answer = response_status === null ? (error_code ?? skip_reason ?? '') : `HTTP ${response_status}`;
  const took = response_duration_ms === null || response_status === null ? '' : ` in ${response_duration_ms} ms`;
  const next = next_attempt_at === null ? '' : `, next ${shortTime(next_attempt_at)}`;
  return attempt_number === 0 ? answer : `${answer}${took}, attempt ${attempt_number}${next}`;
}

function tailLine(delivery: Delivery): string {
  return `${delivery.uuid}  ${delivery.event_type.padEnd(18)}${delivery.status.padEnd(11)}${outcomeOf(delivery)}`;
}
