import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { topology } from '@grapnel/contracts/topology';
import type { Delivery } from '@grapnel/domain/delivery/delivery';
import { deliveryIdOf, type WebhookId } from '@grapnel/domain/ids';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { openChannel } from '@grapnel/rpc/client';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { profiling } from '../support/process-platform.ts';
import { cpuSeconds, difference } from './cpu.ts';
import { bodyOf, jetStreamLimits, perSecond, undiciLimit } from './limits.ts';
import { LoadReceiver } from './receiver.ts';
import type { Bench } from './report.ts';
import { startService } from './service-process.ts';

const BYTES = 1_024;
const WEBHOOKS = 100;

/** One dispatcher alone: how fast it empties a full DELIVERIES, next to what bare undici does on the same receiver. */
export const dispatcher: Bench = async ({ quick, log }) => {
  const count = quick ? 20_000 : 100_000;
  await using stack = new AsyncDisposableStack();
  const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
  stack.defer(() => rm(storeDir, { recursive: true, force: true }));
  const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
  const nats = stack.use(await startNats({ binary, storeDir }));
  const receiver = stack.use(await LoadReceiver.start());

  log('measuring the limits …');
  const undici = await undiciLimit(receiver.url, count, BYTES);
  const jetstream = await jetStreamLimits(nats.url, count, BYTES);

  const names = topology();
  const config = { servers: [nats.url], user: null, password: null, names };
  const open = stack.use(await openStreams(config, 'bench', systemClock, silentLogger));
  await provision(open.connections.publishing, names, DEFAULT_PROVISION);
  const token = randomBytes(24).toString('base64url');
  const env = {
    GRAPNEL_MODE: 'development',
    NATS_URL: nats.url,
    GRAPNEL_SERVICE_TOKEN: token,
    GRAPNEL_KEYRING: `b:${randomBytes(32).toString('base64')}`,
    GRAPNEL_OPS_PORT: '0',
    ALLOW_LOCAL_WEBHOOKS: 'true',
    SUBSCRIPTION_GRPC_PORT: '0',
    DELIVERY_GRPC_PORT: '0',
  };
  const subscription = stack.use(await startService('subscription', env));
  const channel = stack.use(openChannel({ address: subscription.addresses['grpc'] ?? '', token }));
  const as = { metadata: { 'grapnel-tenant': 'bench' } };
  const webhooks: WebhookId[] = [];
  for (let i = 0; i < WEBHOOKS; i++) {
    const made = await channel
      .client(WebhookService)
      .createWebhook({ config: { name: `w${i}`, url: `${receiver.url}/${i}`, eventTypes: { values: ['*'] } } }, as);
    webhooks.push(made.webhook?.id as WebhookId);
  }

  log(`filling DELIVERIES with ${count} …`);
  let n = 0;
  await perSecond(count, 512, async () => {
    const webhookId = webhooks[n % WEBHOOKS] as WebhookId;
    const eventId = `e${n++}`;
    const body = Buffer.from(bodyOf(BYTES));
    const delivery: Delivery = {
      id: deliveryIdOf('bench', eventId, webhookId),
      tenant: 'bench',
      webhookId,
      eventId,
      eventType: 'crawl.page',
      jobId: 'job',
      taskId: null,
      eventTime: Date.now(),
      createdAt: Date.now(),
      test: false,
      bodyBytes: body.byteLength,
      webhookRevision: 1,
    };
    await open.streams.publish(encodeDelivery(delivery, body, null, names));
  });

  log('letting the dispatcher loose …');
  receiver.reset();
  const began = performance.now();
  const dispatching = await startService(
    'dispatcher',
    { ...env, SUBSCRIPTION_GRPC: subscription.addresses['grpc'] ?? '' },
    profiling(),
  );
  const pids = { dispatcher: dispatching.pid, nats: nats.pid, receiver: receiver.pid };
  let before = cpuSeconds(pids);
  let first = { at: 0, received: 0 };
  let report = await receiver.report();
  while (report.distinct < count && performance.now() - began < 300_000) {
    await sleep(50);
    report = await receiver.report();
    // The start of the process is not part of the rate.
    if (first.at === 0 && report.received > 0) {
      first = { at: performance.now(), received: report.received };
      before = cpuSeconds(pids);
    }
  }
  const rate = ((report.received - first.received) * 1_000) / (performance.now() - first.at);
  const cpu = difference(cpuSeconds(pids), before);
  await dispatching[Symbol.asyncDispose]();
  return {
    name: `dispatcher: ${count} deliveries of ${BYTES} bytes to ${WEBHOOKS} webhooks, one process`,
    figures: [
      { name: 'limit: bare undici', value: undici, unit: 'requests/s' },
      { name: 'limit: JetStream consume + ack', value: jetstream.consume, unit: 'messages/s' },
      { name: 'deliveries', value: rate, unit: 'per s', ratio: { of: 'bare undici', value: rate / undici } },
      { name: 'POSTs per delivery', value: report.received / count, unit: '' },
      ...Object.entries(cpu).map(([name, seconds]) => ({
        name: `CPU: ${name}`,
        value: (seconds * 1_000) / (count / 1_000),
        unit: 'ms per 1,000',
      })),
    ],
    notes: [],
  };
};
