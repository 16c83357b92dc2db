import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeEvent } from '@grapnel/contracts/event-codec';
import { IngestService } from '@grapnel/contracts/gen/grapnel/ingest/v1/ingest_pb';
import { DirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import {
  EventTypeService,
  type RegisteredEventTypeSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/event_type_pb';
import {
  TriggerDirectoryService,
  type WatchTriggersResponseSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { decodeText, type Message } from '@grapnel/contracts/message';
import { topology } from '@grapnel/contracts/topology';
import { triggerMessage } from '@grapnel/contracts/trigger-codec';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import type { Trigger } from '@grapnel/domain/trigger/trigger';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { openChannel, type RpcClient } from '@grapnel/rpc/client';
import { register, startRpcServer } from '@grapnel/rpc/server';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { eventually } from '@grapnel/testkit/eventually';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { connect } from '@nats-io/transport-node';
import { createApp, type IngestOverrides } from './app.ts';
import { readConfig } from './config.ts';

export const TENANT = 'acme';
export const KEY = 'key-of-acme-0123456789';
export const OTHER_TENANT = 'globex';
export const OTHER_KEY = 'key-of-globex-0123456789';
export const REVOKED_KEY = 'key-that-was-revoked-0123';
const SERVICE_TOKEN = 'service-token-of-the-tests';

export interface RunningIngest extends AsyncDisposable {
  readonly http: string;
  readonly ops: string;
  readonly grpc: string;
  readonly client: RpcClient<typeof IngestService>;
  readonly streams: EventStreams;
  readonly eventsStream: string;
  readonly serviceToken: string;
  /** Stops the service alone: streams and channels live on. */
  stop(): Promise<void>;
  clientWith(token: string): RpcClient<typeof IngestService>;
  /** POST /v1/events with acme's key. */
  post(body: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** How many events are stored. */
  stored(): Promise<number>;
  last(): Promise<{ readonly event: ReturnType<typeof decodeEvent>; readonly data: string; readonly message: Message }>;
}

interface ReplyBody {
  readonly success: boolean;
  readonly error?: string;
  readonly details: readonly { readonly field: string; readonly message: string; readonly code: string }[];
  readonly data: {
    readonly event_id: string;
    readonly duplicate: boolean;
    readonly events: readonly { readonly event_id: string; readonly duplicate: boolean }[];
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReplyBody;
}

export interface IngestFixture {
  readonly env?: Record<string, string>;
  readonly overrides?: IngestOverrides;
  /** Types beside the built-in ones. */
  readonly types?: readonly MessageInitShape<typeof RegisteredEventTypeSchema>[];
  /** Another nats-server than the run's. */
  readonly nats?: string;
  readonly triggers?: readonly Trigger[];
}

/** A whole ingest service on free ports, with its own streams and a subscription service's key directory. */
export async function startIngest({
  env = {},
  overrides = {},
  nats = natsUrl(),
  types = [],
  triggers = [],
}: IngestFixture = {}): Promise<RunningIngest> {
  await using stack = new AsyncDisposableStack();
  const prefix = testPrefix();
  const names = topology(prefix, 1);
  const connection = await connect({ servers: nats });
  await provision(connection, names, DEFAULT_PROVISION);
  await connection.drain();
  const directory = stack.use(await startDirectories(types, triggers));
  const config = readConfig({
    GRAPNEL_MODE: 'development',
    GRAPNEL_OPS_PORT: '0',
    INGEST_GRPC_PORT: '0',
    INGEST_HTTP_PORT: '0',
    NATS_URL: nats,
    GRAPNEL_STREAM_PREFIX: prefix.stream,
    GRAPNEL_SUBJECT_PREFIX: prefix.subject,
    GRAPNEL_PARTITIONS: '1',
    GRAPNEL_SERVICE_TOKEN: SERVICE_TOKEN,
    SUBSCRIPTION_GRPC: directory.address,
    ...env,
  });
  const { streams } = stack.use(await openStreams(config.stream, 'ingest-test', systemClock, silentLogger));
  const app = stack.use(await createApp(config, overrides));
  const { http = '', ops = '', grpc = '' } = app.addresses;
  const channels = stack.use(new DisposableStack());
  const clientWith = (token: string) => channels.use(openChannel({ address: grpc, token })).client(IngestService);
  const eventsStream = names.streams.events;
  const client = clientWith(KEY);
  await eventually(async () => (await fetch(`${ops}/readyz`)).ok);
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    send(`${http}/v1/events`, body, { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers });
  const stored = async (): Promise<number> => (await streams.state(eventsStream)).messages;
  const last = async () => {
    const { lastSequence } = await streams.state(eventsStream);
    const message = await streams.get(eventsStream, lastSequence);
    if (message === null) throw new Error('nothing is stored');
    return { event: decodeEvent(message), data: decodeText(message.body), message };
  };
  const owned = stack.move();
  return {
    ...{ http, ops, grpc, client, streams, eventsStream, clientWith, post, stored, last },
    serviceToken: SERVICE_TOKEN,
    stop: async () => app[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function send(url: string, body: unknown, headers: Record<string, string>): Promise<Reply> {
  const payload = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'POST', body: payload as string, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as ReplyBody };
}

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** The parts of the subscription service that ingest calls, as a server of their own. */
function startDirectories(registered: NonNullable<IngestFixture['types']>, triggers: readonly Trigger[]) {
  const entries = [
    { keyHash: Buffer.from(hashApiKey(KEY), 'hex'), tenant: TENANT, active: true },
    { keyHash: Buffer.from(hashApiKey(OTHER_KEY), 'hex'), tenant: OTHER_TENANT, active: true },
    { keyHash: Buffer.from(hashApiKey(REVOKED_KEY), 'hex'), tenant: TENANT, active: false },
  ];
  const untilEnd = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const service = register(DirectoryService, 'service', {
    async *watchEndpoints(_request, { signal }) {
      await untilEnd(signal);
      yield* [];
    },
    async *watchApiKeys(_request, { signal }) {
      for (const value of entries) yield { change: { case: 'changed' as const, value } };
      yield { change: { case: 'snapshotDone' as const, value: {} } };
      await untilEnd(signal);
    },
  });
  const triggerDirectory = register(TriggerDirectoryService, 'service', {
    async *watchTriggers(_request, { signal }): AsyncIterable<MessageInitShape<typeof WatchTriggersResponseSchema>> {
      for (const each of triggers) yield { change: { case: 'changed', value: { trigger: triggerMessage(each, 1) } } };
      yield { change: { case: 'snapshotDone', value: {} } };
      await untilEnd(signal);
    },
  });
  const refused = async (): Promise<never> => {
    throw new Error('the tests of ingest register no types');
  };
  const eventTypes = register(EventTypeService, 'service', {
    async *watchEventTypes(_request, { signal }) {
      for (const value of registered) yield { change: { case: 'changed' as const, value } };
      yield { change: { case: 'snapshotDone' as const, value: {} } };
      await untilEnd(signal);
    },
    defineEventType: refused,
    archiveEventType: refused,
    listRegisteredEventTypes: refused,
  });
  return startRpcServer({
    host: '127.0.0.1',
    port: 0,
    services: [service, triggerDirectory, eventTypes],
    authenticate: authenticator(SERVICE_TOKEN, noTenants),
    logger: silentLogger,
  });
}
