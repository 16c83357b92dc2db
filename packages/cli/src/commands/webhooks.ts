import type { EnvSource } from '@grapnel/runtime/env';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, shortTime, table } from './table.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

interface SettingsOptions extends Options {
  readonly name?: string;
  readonly endpoint?: string;
  readonly events?: readonly string[];
  readonly description?: string;
  readonly task?: readonly string[];
  readonly allTasks?: boolean;
  readonly timeout?: number;
  readonly maxRetries?: number;
  readonly multiplier?: number;
  readonly header?: Readonly<Record<string, string>>;
}

interface Webhook {
  readonly uuid: string;
  readonly name: string;
  readonly webhook_url: string;
  readonly event_types: readonly string[];
  readonly is_active: boolean;
  readonly disabled_reason: string | null;
  readonly disabled_detail: string | null;
  readonly total_deliveries: number | null;
  readonly failed_deliveries: number | null;
  readonly last_success_at: string | null;
}

interface Page {
  readonly data: readonly Webhook[];
  readonly meta: { readonly next_cursor: string | null };
}

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel webhooks create --name mine --endpoint https://example.com/hook --events crawl.*,scrape.completed
  $ grapnel webhooks list
  $ grapnel webhooks test wh_01…
  $ grapnel webhooks update wh_01… --events 'crawl.*' --timeout 30
  $ grapnel webhooks rotate-secret wh_01… --overlap 3600
  $ grapnel webhooks activate wh_01…`;

/** `grapnel webhooks …` */
export function addWebhooks(program: Command, screen: Screen, env: EnvSource): void {
  const webhooks = program.command('webhooks').description("the tenant's webhooks").addHelpText('after', HELP);
  const rest = async (options: ConnectionOptions) => (await Connection.find(options, env)).rest();

  withConnection(webhooks.command('list'))
    .description('list them, newest first')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const api = await rest(options);
      const found: Webhook[] = [];
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? '' : `?${new URLSearchParams({ cursor }).toString()}`;
        const page: Page = await api.call<Page>('GET', `/webhooks${query}`);
        found.push(...page.data);
        cursor = page.meta.next_cursor;
      } while (cursor !== null);
      if (options.json) return screen.print(json(found));
      if (found.length === 0) return screen.say('There are no webhooks yet: "webhooks create" makes one.');
      const rows = found.map((hook) => [
        ...[hook.uuid, hook.name, hook.is_active ? 'active' : (hook.disabled_reason ?? 'inactive')],
        ...[`${hook.total_deliveries ?? '?'}`, `${hook.failed_deliveries ?? '?'}`, shortTime(hook.last_success_at)],
        ...[hook.event_types.join(','), hook.webhook_url],
      ]);
      const heads = ['id', 'name', 'state', 'deliveries', 'failed', 'last success', 'events', 'endpoint'];
      for (const line of table(heads, rows)) screen.print(line);
    });

  withSettings(webhooks.command('create'))
    .description('subscribe an endpoint; prints the secret, this once')
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--endpoint <url>', 'where deliveries are sent')
    .requiredOption('--events <types>', 'types, family.* or *, with commas between', commaSeparated)
    .action(async (options: SettingsOptions) => {
      const { data } = await (await rest(options)).call<{ data: { webhook_id: string; secret: string } }>(
        'POST',
        '/webhooks',
        requestOf(options),
      );
      if (options.json) return screen.print(json(data));
      screen.print(`webhook  ${data.webhook_id}`);
      screen.print(`secret   ${data.secret}`);
      screen.say('Keep the secret: it is not shown again.');
    });

  withConnection(webhooks.command('show <webhook-id>'))
    .description('show one, with all its settings')
    .action(async (id: string, options: Options) => {
      const { data } = await (await rest(options)).call<{ data: Webhook }>('GET', at(id));
      screen.print(json(data));
    });

  withSettings(webhooks.command('update <webhook-id>'))
    .description('change the settings that are given, and no others')
    .option('--name <name>', 'what people call it')
    .option('--endpoint <url>', 'where deliveries are sent')
    .option('--events <types>', 'types, family.* or *, with commas between', commaSeparated)
    .option('--all-tasks', 'events of all tasks again')
    .action(async (id: string, options: SettingsOptions) => {
      const changes = requestOf(options);
      if (Object.keys(changes).length === 0) throw new CommandError('Nothing is to be changed: name a setting.');
      const { message, data } = await (await rest(options)).call<Answer>('PUT', at(id), changes);
      screen.print(options.json ? json(data) : (message ?? 'Done'));
    });

  withConnection(webhooks.command('rotate-secret <webhook-id>'))
    .description('make a new secret; prints it, this once')
    .option('--overlap <seconds>', 'how long the old one goes on signing too, 0 to 604800 (86400)', Number)
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options & { readonly overlap?: number }) => {
      const body = options.overlap === undefined ? {} : { overlap_seconds: options.overlap };
      const { data } = await (await rest(options)).call<{ data: Rotated }>('POST', `${at(id)}/rotate-secret`, body);
      if (options.json) return screen.print(json(data));
      screen.print(`secret   ${data.secret}`);
      for (const expiry of data.previous_secrets_expire_at) screen.print(`an old one signs until ${shortTime(expiry)}`);
      screen.say('Keep the secret: it is not shown again.');
    });

  const actions = [
    { name: 'test', method: 'POST', path: '/test', description: 'send webhook.test to it' },
    { name: 'activate', method: 'PUT', path: '/activate', description: 'let it have deliveries (again)' },
    { name: 'deactivate', method: 'PUT', path: '/deactivate', description: 'make no deliveries for it for now' },
    { name: 'delete', method: 'DELETE', path: '', description: 'remove it and its delivery history' },
  ] as const;
  for (const { name, method, path, description } of actions) {
    withConnection(webhooks.command(`${name} <webhook-id>`))
      .description(description)
      .option('--json', 'print JSON')
      .action(async (id: string, options: Options) => {
        const answer = await (await rest(options)).call<Answer>(method, at(id) + path);
        const delivery = answer.data?.delivery_id;
        const text = answer.message ?? 'Done';
        screen.print(options.json ? json(answer) : delivery === undefined ? text : `${text} (delivery ${delivery})`);
      });
  }
}

interface Rotated {
  readonly secret: string;
  readonly previous_secrets_expire_at: readonly string[];
}

interface Answer {
  readonly message?: string;
  readonly data?: { readonly delivery_id?: string };
}

/** What can be set at creation and changed later, besides what creation asks for. */
function withSettings(command: Command): Command {
  return withConnection(command)
    .option('--description <text>', 'for people')
    .option('--task <ids>', 'only events of these tasks, with commas between', commaSeparated)
    .option('--timeout <seconds>', '1 to 60 (10)', Number)
    .option('--max-retries <n>', '0 to 10 (3)', Number)
    .option('--multiplier <x>', 'of the backoff, 1 to 10 (2)', Number)
    .option('--header <name=value>', 'a header to send along; may be repeated', collectHeader)
    .option('--json', 'print JSON');
}

function requestOf(options: SettingsOptions): Record<string, unknown> {
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.endpoint === undefined ? {} : { webhook_url: options.endpoint }),
    ...(options.events === undefined ? {} : { event_types: options.events }),
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.task === undefined ? {} : { scope: 'specific', specific_task_ids: options.task }),
    ...(options.allTasks === true ? { scope: 'all', specific_task_ids: [] } : {}),
    ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout }),
    ...(options.maxRetries === undefined ? {} : { max_retries: options.maxRetries }),
    ...(options.multiplier === undefined ? {} : { retry_backoff_multiplier: options.multiplier }),
    ...(options.header === undefined ? {} : { custom_headers: options.header }),
  };
}

const at = (id: string): string => `/webhooks/${encodeURIComponent(id)}`;

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function collectHeader(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
