import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type ApiKey, ApiKeyService } from '@grapnel/contracts/gen/grapnel/subscription/v1/api_key_pb';
import type { RpcClient } from '@grapnel/rpc/client';
import type { EnvSource } from '@grapnel/runtime/env';
import type { Command } from 'commander';
import type { Screen } from '../screen.ts';
import { CONNECTION_HELP, Connection, type ConnectionOptions, withConnection } from './connection.ts';
import { json, shortTime, table } from './table.ts';

interface KeyOptions extends ConnectionOptions {
  readonly tenant: string;
  readonly name: string;
  readonly json?: boolean;
}

/** `grapnel keys …` */
export function addKeys(program: Command, screen: Screen, env: EnvSource): void {
  const keys = program
    .command('keys')
    .description("tenants' API keys (for operators)")
    .addHelpText(
      'after',
      `${CONNECTION_HELP}

Examples:
  $ grapnel keys create --tenant acme --name "crawler in Frankfurt"
  $ grapnel keys list --tenant acme
  $ grapnel keys revoke key_01… --tenant acme`,
    );

  withConnection(keys.command('create'))
    .description('make a key; a tenant exists from its first key on')
    .requiredOption('--tenant <tenant>', 'lower-case letters, digits, _ and -')
    .option('--name <name>', 'what it is for', 'key')
    .option('--json', 'print JSON')
    .action(async (options: KeyOptions) => {
      const { key, apiKey } = await asOperator(options, (client) =>
        client.createApiKey({ tenant: options.tenant, name: options.name }),
      );
      if (options.json) return screen.print(json({ key, ...shown(apiKey) }));
      screen.print(key);
      screen.say(`This is the only time that it is shown; its id is ${apiKey?.id}.`);
    });

  withConnection(keys.command('list'))
    .description('list the keys of a tenant, revoked ones too')
    .requiredOption('--tenant <tenant>', 'whose')
    .option('--json', 'print JSON')
    .action(async (options: KeyOptions) => {
      const { apiKeys } = await asOperator(options, (client) => client.listApiKeys({ tenant: options.tenant }));
      const found = apiKeys.map(shown);
      if (options.json) return screen.print(json(found));
      if (found.length === 0) return screen.say(`The tenant ${options.tenant} has no keys.`);
      const rows = found.map((key) => [
        ...[key.id, key.hint, key.name, key.active ? 'active' : 'revoked'],
        shortTime(key.created_at),
      ]);
      for (const line of table(['id', 'key', 'name', 'state', 'created'], rows)) screen.print(line);
    });

  withConnection(keys.command('revoke <key-id>'))
    .description('make a key useless, for good')
    .requiredOption('--tenant <tenant>', 'whose')
    .option('--json', 'print JSON')
    .action(async (id: string, options: KeyOptions) => {
      const key = await asOperator(options, (client) => client.revokeApiKey({ tenant: options.tenant, apiKeyId: id }));
      screen.print(options.json ? json(shown(key)) : `${key.id} is revoked.`);
    });

  async function asOperator<T>(
    options: ConnectionOptions,
    call: (client: RpcClient<typeof ApiKeyService>) => Promise<T>,
  ): Promise<T> {
    const connection = await Connection.find(options, env);
    using channel = connection.operatorChannel('subscriptionGrpc');
    return await call(channel.client(ApiKeyService));
  }
}

function shown(key: ApiKey | undefined) {
  if (key === undefined) throw new Error('the answer has no key');
  const { id, tenant, name, hint, active } = key;
  return { id, tenant, name, hint, active, created_at: iso(key.createdAt), revoked_at: iso(key.revokedAt) };
}

const iso = (time: Timestamp | undefined): string | null =>
  time === undefined ? null : timestampDate(time).toISOString();
