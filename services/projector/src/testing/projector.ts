import { ProjectionService, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { type CallOptions, openChannel, type RpcClient } from '@grapnel/rpc/client';
import { eventually } from '@grapnel/testkit/eventually';
import { createApp, type ProjectorOverrides } from '../app.ts';
import { readConfig } from '../config.ts';
import { connected } from './connected.ts';
import type { Line } from './line.ts';

export const SERVICE_TOKEN = 'a-service-token-for-tests';

/** One running projector, and clients of it. */
export interface TestProjector extends AsyncDisposable {
  readonly address: string;
  readonly ops: string;
  readonly query: RpcClient<typeof QueryService>;
  readonly projection: RpcClient<typeof ProjectionService>;
  /** Resolves when everything in the streams is projected. */
  settled(timeoutMs?: number): Promise<void>;
}

export interface ProjectorOptions extends ProjectorOverrides {
  readonly env?: Record<string, string>;
}

export async function startProjector(
  line: Line,
  databaseUrl: string,
  options: ProjectorOptions = {},
): Promise<TestProjector> {
  const { env, ...overrides } = options;
  const config = readConfig({
    GRAPNEL_MODE: 'development',
    GRAPNEL_OPS_PORT: '0',
    QUERY_GRPC_PORT: '0',
    SUBSCRIPTION_GRPC: '127.0.0.1:1',
    GRAPNEL_SERVICE_TOKEN: SERVICE_TOKEN,
    DATABASE_URL: databaseUrl,
    ...env,
  });
  const app = await createApp({ ...config, stream: line.config }, overrides);
  const address = app.addresses['grpc'] as string;
  const channel = openChannel({ address, token: SERVICE_TOKEN });
  const projection = channel.client(ProjectionService);
  return {
    address,
    ops: app.addresses['ops'] as string,
    query: channel.client(QueryService),
    projection,
    async settled(timeoutMs = 15_000) {
      await eventually(
        async () => {
          const { positions } = await projection.getProjectionStatus({});
          return (
            positions.length === 3 && positions.every(({ begun, checkpoint, last }) => begun && checkpoint >= last)
          );
        },
        { timeoutMs },
      );
    },
    async [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

/** Metadata of a service that acts for a tenant. */
export const as = (tenant: string): CallOptions => ({ metadata: { 'grapnel-tenant': tenant } });

const TABLES = ['deliveries', 'attempts', 'webhook_statistics', 'hourly_statistics', 'deleted_webhooks'];

/** Every row of the read model as text, in a fixed order: equal dumps are equal byte for byte. */
export const dump = (databaseUrl: string): Promise<Record<string, string[]>> =>
  connected(databaseUrl, async (client) => {
    const tables: Record<string, string[]> = {};
    for (const table of TABLES) {
      const sql = `SELECT t::text AS row FROM history.${table} t ORDER BY 1`;
      tables[table] = (await client.query<{ row: string }>(sql)).rows.map(({ row }) => row);
    }
    return tables;
  });

export const run = (databaseUrl: string, sql: string): Promise<Record<string, unknown>[]> =>
  connected(databaseUrl, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
