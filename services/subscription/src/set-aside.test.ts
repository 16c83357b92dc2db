import { randomBytes } from 'node:crypto';
import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { encodeEvent } from '@grapnel/contracts/event-codec';
import { SetAsideService } from '@grapnel/contracts/gen/grapnel/subscription/v1/set_aside_pb';
import { type Topology, topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { DEFAULTS } from '@grapnel/domain/webhook/config';
import { evolve } from '@grapnel/domain/webhook/evolve';
import { ABSENT, type WebhookEvent } from '@grapnel/domain/webhook/webhook';
import { authenticator, noTenants } from '@grapnel/rpc/auth';
import { openChannel, type RpcClient } from '@grapnel/rpc/client';
import { startRpcServer } from '@grapnel/rpc/server';
import { systemClock } from '@grapnel/runtime/clock';
import { EnvReader } from '@grapnel/runtime/env';
import { silentLogger } from '@grapnel/runtime/logger';
import { Semaphore } from '@grapnel/runtime/semaphore';
import { readStreamConfig } from '@grapnel/stream/config';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { eventually } from '@grapnel/testkit/eventually';
import { natsUrl, testPrefix } from '@grapnel/testkit/infra';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebhookConditions } from './conditions.ts';
import { Directory } from './directory.ts';
import { runFanOut } from './fan-out.ts';
import { setAsideService } from './grpc/set-aside-service.ts';
import { Lookalikes } from './lookalikes.ts';
import { SetAside } from './set-aside.ts';

const TENANT: TenantId = 'acme';
const WEBHOOK: WebhookId = 'wh_00000000000000000000000001';
const TOKEN = randomBytes(16).toString('hex');

const stack = new AsyncDisposableStack();
let streams: EventStreams;
let names: Topology;
let client: RpcClient<typeof SetAsideService>;
/** While set, the conditions have a bug that pages meet. */
let buggy = true;

beforeAll(async () => {
  const prefix = testPrefix();
  names = topology(prefix, 1);
  const env = { NATS_URL: natsUrl(), GRAPNEL_STREAM_PREFIX: prefix.stream, GRAPNEL_SUBJECT_PREFIX: prefix.subject };
  const config = readStreamConfig(new EnvReader(env));
  const open = stack.use(await openStreams(config, 'set-aside', systemClock, silentLogger));
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  streams = open.streams;
  await createWebhook();

  const conditions = new WebhookConditions();
  const about: WebhookConditions['about'] = (event, data) => {
    if (buggy && event.type === 'crawl.page') throw new TypeError('x is not a function');
    return conditions.about(event, data);
  };
  const stop = new AbortController();
  const directory = new Directory(streams, names, silentLogger);
  const common = { streams, names, clock: systemClock, logger: silentLogger };
  const context = {
    ...common,
    directory,
    conditions: { about },
    lookalikes: new Lookalikes(),
    slots: new Semaphore(8),
  };
  const setAside = new SetAside(common, { tries: 3, firstDelayMs: 1 });
  const working = [directory.follow(stop.signal), runFanOut({ ...context, setAside }, stop.signal)];
  stack.defer(async () => {
    stop.abort();
    await Promise.all(working);
  });
  const server = stack.use(
    await startRpcServer({
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      authenticate: authenticator(TOKEN, noTenants),
      services: [setAsideService(context)],
    }),
  );
  client = stack.use(openChannel({ address: server.address, token: TOKEN })).client(SetAsideService);
});
afterAll(() => stack.disposeAsync());

/** One that wants everything, and has a condition to ask. */
async function createWebhook(): Promise<void> {
  const config = { ...DEFAULTS, name: 'n', url: 'https://example.com', eventTypes: ['*'], condition: 'true' };
  const event: WebhookEvent = { type: 'created', at: 1, id: WEBHOOK, tenant: TENANT, config, secret: null };
  const aggregate = { tenant: TENANT, kind: 'webhook', id: WEBHOOK } as const;
  await streams.publish(encodeRecorded(aggregate, { event, state: evolve(ABSENT, event) }, 0, names));
}

async function publish(id: string, type: string): Promise<void> {
  const at = Date.now();
  const event = { id, tenant: TENANT, type, jobId: 'job', taskId: null, time: at, acceptedAt: at };
  await streams.publish(encodeEvent(event, Buffer.from(`{"of":"${id}"}`), null, names));
}

async function lastDelivery() {
  const message = await streams.lastOn(names.streams.deliveries, names.subjects.delivery(WEBHOOK));
  return message === null ? null : { ...decodeDelivery(message), body: Buffer.from(message.body).toString() };
}

it('FC-09 an event that a bug meets is set aside after some tries; the job goes on, and nothing is lost', async () => {
  await publish('p1', 'crawl.page');
  await publish('end', 'crawl.completed');
  await eventually(async () => expect(await lastDelivery()).toMatchObject({ eventId: 'end' }));

  const { events, total } = await client.listSetAside({});
  expect(total).toBe(1n);
  expect(events).toMatchObject([
    { tenant: TENANT, eventId: 'p1', type: 'crawl.page', jobId: 'job', tries: 3, reason: 'x is not a function' },
  ]);
  const id = events[0]?.id ?? '';
  await expect(client.retrySetAside({ id })).rejects.toThrow('still cannot be fanned out: x is not a function');
  expect((await client.listSetAside({})).total).toBe(1n);

  buggy = false;
  expect(await client.retrySetAside({ id })).toMatchObject({ deliveries: 1 });
  expect(await lastDelivery()).toMatchObject({ eventId: 'p1', body: '{"of":"p1"}' });
  expect((await client.listSetAside({})).total).toBe(0n);
  await expect(client.retrySetAside({ id })).rejects.toThrow('Event set aside not found');
});

it('FC-09 what cannot even be read is set aside at once, with what it was', async () => {
  await streams.publish({ subject: names.subjects.event(TENANT, 'crawl.page'), body: Buffer.from('?'), headers: {} });
  const events = await eventually(async () => {
    const found = (await client.listSetAside({})).events;
    expect(found).toHaveLength(1);
    return found;
  });
  expect(events).toMatchObject([
    { tenant: '', tries: 1, bytes: 1n, reason: expect.stringContaining('cannot be read') },
  ]);
});
