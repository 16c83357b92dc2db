import { freePort } from '@grapnel/embedded/free-port';
import { createApp as createGateway } from '@grapnel/gateway/app';
import { readConfig as readGatewayConfig } from '@grapnel/gateway/config';
import { createApp as createIngest } from '@grapnel/ingest/app';
import { readConfig as readIngestConfig } from '@grapnel/ingest/config';
import { createApp as createProjector } from '@grapnel/projector/app';
import { readConfig as readProjectorConfig } from '@grapnel/projector/config';
import type { Channel } from '@grapnel/rpc/client';
import { openChannel } from '@grapnel/rpc/client';
import { silentLogger } from '@grapnel/runtime/logger';
import type { RunningApp } from '@grapnel/runtime/run';
import { freshDatabase } from '@grapnel/testkit/infra';
import { Receiver } from '@grapnel/testkit/receiver';
import { expect } from 'vitest';
import {
  channelTo,
  type Ground,
  type GroundOptions,
  newTenant,
  prepareGround,
  SERVICE_TOKEN,
  startDispatcher,
  startSubscription,
  type TestEnv,
  until,
} from './ground.ts';

export interface PlatformOptions extends GroundOptions {
  readonly dispatchers?: number;
  /** What the subscription service alone is told. */
  readonly subscriptionEnv?: TestEnv;
}

/** What the REST API answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

/** What a refused request is told field by field. */
export function faultsOf(answer: Answer): { readonly field: string; readonly message: string }[] {
  expect(answer.status).toBe(400);
  return answer.body.details;
}

const QUIET = { logger: silentLogger };

interface Parts {
  readonly ground: Ground;
  /** What every service was told, with the addresses of all. */
  readonly env: TestEnv;
  readonly databaseUrl: string;
  readonly receiver: Receiver;
  readonly gateway: string;
  readonly ingestHttp: string;
  readonly ingestGrpc: string;
  readonly apiKey: string;
  readonly tenant: string;
  /** To the services, with the service token. */
  readonly subscription: Channel;
  readonly query: Channel;
  readonly restartable: RestartableSubscription;
}

/** All five services in this process, with real servers behind them, and one tenant's view of them. */
export class Platform implements AsyncDisposable {
  declare readonly ground: Ground;
  declare readonly env: TestEnv;
  declare readonly databaseUrl: string;
  declare readonly receiver: Receiver;
  declare readonly gateway: string;
  declare readonly ingestHttp: string;
  declare readonly ingestGrpc: string;
  declare readonly apiKey: string;
  declare readonly tenant: string;
  declare readonly subscription: Channel;
  declare readonly query: Channel;
  declare readonly restartable: RestartableSubscription;
  readonly #stack: AsyncDisposableStack;

  private constructor(stack: AsyncDisposableStack, parts: Parts) {
    this.#stack = stack;
    Object.assign(this, parts);
  }

  static async start(options: PlatformOptions = {}): Promise<Platform> {
    await using stack = new AsyncDisposableStack();
    const ground = stack.use(await prepareGround(options));
    const database = stack.use(await freshDatabase());
    const grpc = (app: RunningApp): string => app.addresses['grpc'] ?? '';
    // Known before they are taken: the subscription service calls those that call it.
    const ports = {
      SUBSCRIPTION_GRPC_PORT: String(await freePort()),
      QUERY_GRPC_PORT: String(await freePort()),
      DELIVERY_GRPC_PORT: String(await freePort()),
    };
    const restartable = new RestartableSubscription({
      ...ground.env,
      SUBSCRIPTION_GRPC_PORT: ports.SUBSCRIPTION_GRPC_PORT,
      QUERY_GRPC: `127.0.0.1:${ports.QUERY_GRPC_PORT}`,
      DELIVERY_GRPC: `127.0.0.1:${ports.DELIVERY_GRPC_PORT}`,
      ...options.subscriptionEnv,
    });
    stack.use(restartable);
    const subscription = await restartable.start();
    const base = { ...ground.env, DATABASE_URL: database.url, SUBSCRIPTION_GRPC: grpc(subscription) };
    const { QUERY_GRPC_PORT } = ports;
    const projector = stack.use(await createProjector(readProjectorConfig({ ...base, QUERY_GRPC_PORT }), QUIET));
    const dispatchers: RunningApp[] = [];
    for (let i = 1; i <= (options.dispatchers ?? 1); i++) {
      const port = i === 1 ? { DELIVERY_GRPC_PORT: ports.DELIVERY_GRPC_PORT } : {};
      const env = { ...base, ...port, QUERY_GRPC: grpc(projector) };
      dispatchers.push(stack.use(await startDispatcher(env, `dispatcher-${i}`)));
    }
    const delivery = { DELIVERY_GRPC: grpc(dispatchers[0] as RunningApp) };
    const anyPorts = { INGEST_GRPC_PORT: '0', INGEST_HTTP_PORT: '0' };
    const ingest = stack.use(await createIngest(readIngestConfig({ ...base, ...delivery, ...anyPorts }), QUIET));
    const env = {
      ...base,
      QUERY_GRPC: grpc(projector),
      ...delivery,
      INGEST_GRPC: grpc(ingest),
    };
    const gateway = stack.use(await createGateway(readGatewayConfig({ ...env, GATEWAY_PORT: '0' }), QUIET));
    const toSubscription = stack.use(channelTo(subscription));
    const { tenant, apiKey } = await newTenant(toSubscription);
    const http = gateway.addresses['http'] ?? '';
    const ingestHttp = ingest.addresses['http'] ?? '';
    await settledIn(apiKey, `${http}/v1/deliveries`, `${ingestHttp}/v1/events`);
    const receiver = stack.use(await Receiver.start());
    const query = stack.use(openChannel({ address: grpc(projector), token: SERVICE_TOKEN }));
    return new Platform(stack.move(), {
      ground,
      env,
      databaseUrl: database.url,
      receiver,
      gateway: http,
      ingestHttp,
      ingestGrpc: grpc(ingest),
      apiKey,
      tenant,
      subscription: toSubscription,
      restartable,
      query,
    });
  }

  /** Calls the REST API with the tenant's key, or another. */
  async call(method: string, path: string, body?: unknown, key: string = this.apiKey): Promise<Answer> {
    const response = await fetch(this.gateway + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** As a producer does. */
  publish(type: string, data: unknown, more: object = {}): Promise<Answer> {
    return this.call('POST', '/v1/events', { type, data, ...more });
  }

  /** A webhook as its tenant reads it. */
  async webhook(id: string): Promise<Answer['body']> {
    return (await this.call('GET', `/v1/webhooks/${id}`)).body.data;
  }

  /** Attaches a webhook to a job; `body` may be the bare URL. */
  attach(jobId: string, body: unknown, key?: string): Promise<Answer> {
    return this.call('POST', `/v1/jobs/${jobId}/webhooks`, JSON.stringify(body), key);
  }

  async createWebhook(path: string, config: object = {}): Promise<{ readonly id: string; readonly secret: string }> {
    const body = { name: path, webhook_url: this.receiver.url(path), event_types: ['crawl.page'], ...config };
    const answer = await this.call('POST', '/v1/webhooks', body);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return { id: answer.body.data.webhook_id, secret: answer.body.data.secret };
  }

  async deliveries(webhook: string, query = ''): Promise<Answer['body'][]> {
    const answer = await this.call('GET', `/v1/webhooks/${webhook}/deliveries${query}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body.data;
  }

  /** Waits until so many deliveries of a webhook have come to an end. */
  async ended(webhook: string, count: number, timeoutMs?: number): Promise<Answer['body'][]> {
    return until(
      `${count} ended deliveries`,
      async () => {
        const all = await this.deliveries(webhook, '?limit=1000');
        const over = all.filter(({ status }) => status !== 'pending' && status !== 'retrying');
        return over.length >= count && over;
      },
      timeoutMs,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** The subscription service at an address that outlasts it. */
class RestartableSubscription implements AsyncDisposable {
  readonly #env: TestEnv;
  #app: RunningApp | null = null;

  constructor(env: TestEnv) {
    this.#env = env;
  }

  async start(): Promise<RunningApp> {
    this.#app = await startSubscription(this.#env);
    return this.#app;
  }

  async stop(): Promise<void> {
    await this.#app?.[Symbol.asyncDispose]();
    this.#app = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A new key reaches the other services by watch, and the read model's tables are made in the background. */
async function settledIn(apiKey: string, ...urls: readonly string[]): Promise<void> {
  await until('the services are settled in', async () => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const answers = await Promise.all(urls.map((url) => fetch(url, { headers })));
    return answers.every(({ status }) => status !== 401 && status !== 503);
  });
}
