import { readFile } from 'node:fs/promises';
import {
  EventTypeService,
  type RegisteredEventType,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/event_type_pb';
import type { RpcClient } from '@grapnel/rpc/client';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, table } from './table.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

interface DefineOptions extends Options {
  readonly category?: string;
  readonly description?: string;
  readonly schema?: string;
  readonly example?: string;
}

const HELP = `${CONNECTION_HELP}

Examples:
  $ grapnel event-types define invoice.paid --schema invoice.schema.json --example invoice.json
  $ grapnel event-types list
  $ grapnel event-types archive invoice.paid`;

/** `grapnel event-types …` */
export function addEventTypes(program: Command, screen: Screen, env: EnvSource): void {
  const types = program.command('event-types').description('types of events beside the built-in ones (for operators)');
  types.addHelpText('after', HELP);

  async function asOperator<T>(
    options: ConnectionOptions,
    call: (client: RpcClient<typeof EventTypeService>) => Promise<T>,
  ): Promise<T> {
    const connection = await Connection.find(options, env);
    using channel = connection.operatorChannel('subscriptionGrpc');
    return await call(channel.client(EventTypeService));
  }
  const said = (type: RegisteredEventType, options: Options): void =>
    screen.print(options.json ? json(shown(type)) : `${type.name} is at version ${type.version}.`);

  withConnection(types.command('define <name>'))
    .description('register a type, or change it')
    .option('--category <category>', 'where lists show it; the name up to its first dot when absent')
    .option('--description <text>', 'one sentence', '')
    .option('--schema <file>', 'JSON Schema (draft 2020-12) that data is held to')
    .option('--example <file>', 'what data looks like, JSON')
    .option('--json', 'print JSON')
    .action(async (name: string, options: DefineOptions) => {
      const { category = '', description = '' } = options;
      const schema = await contents(options.schema);
      const example = await contents(options.example);
      const definition = { name, category, description, schema, example };
      said(await asOperator(options, (client) => client.defineEventType(definition)), options);
    });

  withConnection(types.command('list'))
    .description('list them, archived ones too')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { eventTypes } = await asOperator(options, (client) => client.listRegisteredEventTypes({}));
      if (options.json) return screen.print(json(eventTypes.map(shown)));
      if (eventTypes.length === 0) return screen.say('No types are registered beside the built-in ones.');
      const rows = eventTypes.map(({ name, category, version, archived, schema, description }) => [
        ...[name, category, String(version), archived ? 'archived' : 'active'],
        ...[schema === '' ? 'any' : 'by schema', description],
      ]);
      for (const line of table(['name', 'category', 'version', 'state', 'data', ''], rows)) screen.print(line);
    });

  for (const { verb, restore, description } of [
    { verb: 'archive', restore: false, description: 'take no events of it and no new subscriptions from now on' },
    { verb: 'restore', restore: true, description: 'take an archiving back' },
  ]) {
    withConnection(types.command(`${verb} <name>`))
      .description(description)
      .option('--json', 'print JSON')
      .action(async (name: string, options: Options) => {
        said(await asOperator(options, (client) => client.archiveEventType({ name, restore })), options);
      });
  }
}

async function contents(file: string | undefined): Promise<string> {
  if (file === undefined) return '';
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function shown({ name, category, description, schema, example, version, archived }: RegisteredEventType) {
  return {
    ...{ name, category, description, version, archived },
    example: JSON.parse(example) as unknown,
    schema: schema === '' ? null : (JSON.parse(schema) as unknown),
  };
}
