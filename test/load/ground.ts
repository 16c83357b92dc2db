import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeDelivery } from '@grapnel/contracts/delivery-codec';
import { WebhookService } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { type Topology, topology } from '@grapnel/contracts/topology';
import type { Delivery } from '@grapnel/domain/delivery/delivery';
import { deliveryIdOf, type WebhookId } from '@grapnel/domain/ids';
import { findNatsServer } from '@grapnel/embedded/nats-binary';
import { startNats } from '@grapnel/embedded/nats-server';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { type Channel, openChannel } from '@grapnel/rpc/client';
import { systemClock } from '@grapnel/runtime/clock';
import { silentLogger } from '@grapnel/runtime/logger';
import { openStreams } from '@grapnel/stream/open';
import type { EventStreams, Stored } from '@grapnel/stream/ports';
import { DEFAULT_PROVISION, provision } from '@grapnel/stream/provision';
import { profiling } from '../support/process-platform.ts';
import { LoadReceiver } from './receiver.ts';
import { type ServiceProcess, startService } from './service-process.ts';

const TENANT = 'bench';
/** Of calls that make webhooks. */
const TOGETHER = 64;

/** The part of the line that dispatchers need: a nats-server, the subscription service that knows the endpoints, customers. */
export class Ground implements AsyncDisposable {
  readonly natsUrl: string;
  readonly natsPid: number;
  readonly receiver: LoadReceiver;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly #env: Readonly<Record<string, string>>;
  readonly #subscription: Channel;
  readonly #stack: AsyncDisposableStack;
  #made = 0;

  private constructor(parts: {
    readonly nats: { readonly url: string; readonly pid: number };
    readonly receiver: LoadReceiver;
    readonly streams: EventStreams;
    readonly names: Topology;
    readonly env: Readonly<Record<string, string>>;
    readonly subscription: Channel;
    readonly stack: AsyncDisposableStack;
  }) {
    this.natsUrl = parts.nats.url;
    this.natsPid = parts.nats.pid;
    this.receiver = parts.receiver;
    this.streams = parts.streams;
    this.names = parts.names;
    this.#env = parts.env;
    this.#subscription = parts.subscription;
    this.#stack = parts.stack;
  }

  static async start(log: (line: string) => void): Promise<Ground> {
    await using stack = new AsyncDisposableStack();
    const storeDir = await mkdtemp(join(tmpdir(), 'grapnel-bench-'));
    stack.defer(() => rm(storeDir, { recursive: true, force: true }));
    const binary = await findNatsServer({ cacheDir: projectCacheDir, onProgress: log });
    const nats = stack.use(await startNats({ binary, storeDir }));
    const receiver = stack.use(await LoadReceiver.start());
    const names = topology();
    const config = { servers: [nats.url], user: null, password: null, names };
    const { streams, connections } = stack.use(await openStreams(config, 'bench', systemClock, silentLogger));
    await provision(connections.publishing, names, DEFAULT_PROVISION);
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
    const service = stack.use(await startService('subscription', env));
    const address = service.addresses['grpc'] ?? '';
    const subscription = stack.use(openChannel({ address, token }));
    const running = stack.move();
    return new Ground({
      ...{ nats, receiver, streams, names, subscription, stack: running },
      env: { ...env, SUBSCRIPTION_GRPC: address },
    });
  }

  /** Where a body can wait for its later attempts without a first one: no partition has this number. */
  get asideSubject(): string {
    return this.names.subjects.deliveriesIn(this.names.partitions).replace('>', 'aside');
  }

  /** One webhook for each URL, in their order. */
  async webhooksFor(urls: readonly string[], more: { readonly timeoutSeconds?: number } = {}): Promise<WebhookId[]> {
    const ids: WebhookId[] = [];
    const webhooks = this.#subscription.client(WebhookService);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < urls.length) {
        const i = next++;
        const config = { ...more, name: `w${i}`, url: urls[i] ?? '', eventTypes: { values: ['*'] } };
        const made = await webhooks.createWebhook({ config }, { metadata: { 'grapnel-tenant': TENANT } });
        ids[i] = made.webhook?.id as WebhookId;
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, worker));
    return ids;
  }

  /** Puts a delivery into DELIVERIES, as the fan-out would. */
  deliver(webhookId: WebhookId, body: string): Promise<Stored> {
    const { delivery, bytes } = this.delivery(webhookId, body);
    return this.streams.publish(encodeDelivery(delivery, bytes, null, this.names));
  }

  /** One that is not stored yet. */
  delivery(webhookId: WebhookId, body: string): { delivery: Delivery; bytes: Uint8Array } {
    const bytes = Buffer.from(body);
    const eventId = `e${this.#made++}`;
    const delivery: Delivery = {
      id: deliveryIdOf(TENANT, eventId, webhookId),
      tenant: TENANT,
      webhookId,
      eventId,
      eventType: 'crawl.page',
      jobId: 'job',
      taskId: null,
      eventTime: Date.now(),
      createdAt: Date.now(),
      test: false,
      bodyBytes: bytes.byteLength,
      webhookRevision: 1,
    };
    return { delivery, bytes };
  }

  startDispatcher(env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    return startService('dispatcher', { ...this.#env, ...env }, profiling());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
