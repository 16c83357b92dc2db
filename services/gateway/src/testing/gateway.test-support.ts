import { DirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { type Registration, type RpcServer, register, startRpcServer } from '@grapnel/rpc/server';
import type { EnvSource } from '@grapnel/runtime/env';
import { type Logger, silentLogger } from '@grapnel/runtime/logger';
import { eventually } from '@grapnel/testkit/eventually';
import { createApp, type GatewayOverrides } from '../app.ts';
import { readConfig } from '../config.ts';
import { InMemoryHistory } from './history.test-support.ts';
import { InMemoryIngest } from './ingest.test-support.ts';
import { InMemoryWebhooks } from './webhooks.test-support.ts';

export const ACME_KEY = 'acme-key-0123456789abcdef';
export const OTHER_KEY = 'other-key-0123456789abcdef';
export const REVOKED_KEY = 'revoked-key-0123456789abcdef';
const SERVICE_TOKEN = 'a-service-token-for-tests-only';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly json: any;
  readonly text: string;
}

export interface Asking {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
}

/** A gateway with real gRPC servers behind it, whose services live in memory. */
export class TestGateway implements AsyncDisposable {
  readonly url: string;
  readonly opsUrl: string;
  readonly webhooks: InMemoryWebhooks;
  readonly history: InMemoryHistory;
  readonly ingest: InMemoryIngest;
  readonly keys: KeySwitch;
  /** The servers behind it, to be taken away. */
  readonly servers: { readonly subscription: RpcServer; readonly query: RpcServer; readonly ingest: RpcServer };
  readonly #parts: AsyncDisposableStack;

  constructor(parts: Omit<TestGateway, 'ask' | 'create' | typeof Symbol.asyncDispose>, stack: AsyncDisposableStack) {
    this.url = parts.url;
    this.opsUrl = parts.opsUrl;
    this.webhooks = parts.webhooks;
    this.history = parts.history;
    this.ingest = parts.ingest;
    this.keys = parts.keys;
    this.servers = parts.servers;
    this.#parts = stack;
  }

  async ask(method: string, path: string, { key = ACME_KEY, headers = {}, body, raw }: Asking = {}): Promise<Answer> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content !== undefined && { body: content }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : null,
    };
  }

  /** Creates a webhook and returns its id. */
  async create(more: Readonly<Record<string, unknown>> = {}, key: string = ACME_KEY): Promise<string> {
    const body = { name: 'A', webhook_url: 'https://example.com/hook', event_types: ['scrape.completed'], ...more };
    const { status, text, json } = await this.ask('POST', '/v1/webhooks', { key, body });
    if (status !== 201) throw new Error(`creating a webhook was answered ${status} ${text}`);
    return json.data.webhook_id as string;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** The directory of API keys: told once, then whatever a test changes. */
export class KeySwitch {
  #tell: (() => void) | null = null;
  readonly #revoked: string[] = [];

  revoke(key: string): void {
    this.#revoked.push(key);
    this.#tell?.();
  }

  get registration(): Registration {
    const entry = (key: string, tenant: string, active: boolean) =>
      ({
        change: { case: 'changed', value: { keyHash: Buffer.from(hashApiKey(key), 'hex'), tenant, active } },
      }) as const;
    const revoked = this.#revoked;
    const onRevoke = (tell: () => void): void => {
      this.#tell = tell;
    };
    return register(DirectoryService, 'service', {
      async *watchEndpoints() {},
      async *watchApiKeys(_request, { signal }) {
        yield entry(ACME_KEY, 'acme', true);
        yield entry(OTHER_KEY, 'other', true);
        yield entry(REVOKED_KEY, 'acme', false);
        yield { change: { case: 'snapshotDone', value: { revision: 1n } } };
        while (!signal.aborted) {
          for (const key of revoked.splice(0)) yield entry(key, 'acme', false);
          await new Promise<void>((resolve) => {
            onRevoke(resolve);
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      },
    });
  }
}

export interface TestGatewayOptions extends GatewayOverrides {
  readonly env?: EnvSource;
  /** False: the gateway is not expected to become ready. */
  readonly awaitReady?: boolean;
  readonly logger?: Logger;
}

export async function startGateway({
  env = {},
  awaitReady = true,
  ...overrides
}: TestGatewayOptions = {}): Promise<TestGateway> {
  await using stack = new AsyncDisposableStack();
  const webhooks = new InMemoryWebhooks();
  const history = new InMemoryHistory();
  const ingest = new InMemoryIngest();
  const keys = new KeySwitch();
  const serve = async (...services: Registration[]): Promise<RpcServer> =>
    stack.use(
      await startRpcServer({
        host: '127.0.0.1',
        port: 0,
        services,
        authenticate: authenticator(SERVICE_TOKEN, noTenants),
        logger: silentLogger,
      }),
    );
  const servers = {
    subscription: await serve(webhooks.registration, keys.registration),
    query: await serve(...history.registrations),
    ingest: await serve(ingest.registration),
  };
  const config = readConfig({
    GRAPNEL_MODE: 'development',
    GRAPNEL_OPS_PORT: '0',
    GATEWAY_PORT: '0',
    GRAPNEL_SERVICE_TOKEN: SERVICE_TOKEN,
    SUBSCRIPTION_GRPC: servers.subscription.address,
    QUERY_GRPC: servers.query.address,
    DELIVERY_GRPC: servers.query.address,
    INGEST_GRPC: servers.ingest.address,
    ...env,
  });
  const app = stack.use(await createApp(config, { logger: silentLogger, checkAnswers: true, ...overrides }));
  const { http = '', ops = '' } = app.addresses;
  if (awaitReady) await eventually(async () => (await fetch(`${http}/readyz`)).status === 200);
  return new TestGateway({ url: http, opsUrl: ops, webhooks, history, ingest, keys, servers }, stack.move());
}
