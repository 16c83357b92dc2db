import { encodeEvent } from '@grapnel/contracts/event-codec';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { Event } from '@grapnel/domain/event/event';
import type { WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import type { RunningApp } from '@grapnel/runtime/run';
import { Receiver } from '@grapnel/testkit/receiver';
import {
  channelTo,
  type Ground,
  type GroundOptions,
  newTenant,
  prepareGround,
  startDispatcher,
  startSubscription,
  type TestEnv,
  until,
  webhooksOf,
} from './ground.ts';

export interface LineOptions extends GroundOptions {
  /** How many replicas of the subscription service; calls go to the first. */
  readonly subscriptions?: number;
  readonly dispatchers?: number;
  /** What the dispatchers alone are told. */
  readonly dispatcherEnv?: TestEnv;
}

/** Subscription and dispatcher services over streams of their own, a customer, and a tenant. */
export class Line implements AsyncDisposable {
  readonly ground: Ground;
  readonly subscription: Channel;
  readonly receiver: Receiver;
  readonly tenant: string;
  readonly env: TestEnv;
  readonly #stack: AsyncDisposableStack;
  #events = 0;

  private constructor(
    stack: AsyncDisposableStack,
    parts: Pick<Line, 'ground' | 'subscription' | 'receiver' | 'tenant' | 'env'>,
  ) {
    this.#stack = stack;
    this.ground = parts.ground;
    this.subscription = parts.subscription;
    this.receiver = parts.receiver;
    this.tenant = parts.tenant;
    this.env = parts.env;
  }

  static async start(options: LineOptions = {}): Promise<Line> {
    await using stack = new AsyncDisposableStack();
    const ground = stack.use(await prepareGround(options));
    const apps: RunningApp[] = [];
    for (let i = 0; i < (options.subscriptions ?? 1); i++) apps.push(stack.use(await startSubscription(ground.env)));
    const env = { ...ground.env, SUBSCRIPTION_GRPC: apps[0]?.addresses['grpc'] ?? '', ...options.dispatcherEnv };
    for (let i = 1; i <= (options.dispatchers ?? 1); i++) stack.use(await startDispatcher(env, `dispatcher-${i}`));
    const subscription = stack.use(channelTo(apps[0] as RunningApp));
    const receiver = stack.use(await Receiver.start());
    const { tenant } = await newTenant(subscription);
    return new Line(stack.move(), { ground, subscription, receiver, tenant, env });
  }

  get webhooks() {
    return webhooksOf(this.subscription, this.tenant);
  }

  async createWebhook(path: string, config: object = {}): Promise<{ readonly id: string; readonly secret: string }> {
    const { client, as } = this.webhooks;
    const url = path.startsWith('/') ? this.receiver.url(path) : path;
    const made = await client.createWebhook(
      { config: { name: path, url, eventTypes: { values: ['crawl.page'] }, ...config } },
      as,
    );
    return { id: made.webhook?.id ?? '', secret: made.secret };
  }

  async webhook(id: string) {
    const { client, as } = this.webhooks;
    return client.getWebhook({ webhookId: id }, as);
  }

  /** Stores an event as ingest does. */
  async publish(type = 'crawl.page', data: unknown = { n: this.#events }, more: Partial<Event> = {}): Promise<void> {
    const now = Date.now();
    const id = `e-${this.#events++}`;
    const event: Event = {
      id,
      tenant: this.tenant,
      type,
      jobId: null,
      taskId: null,
      time: now,
      acceptedAt: now,
      ...more,
    };
    const { streams } = this.ground.open;
    await streams.publish(encodeEvent(event, Buffer.from(JSON.stringify(data)), null, this.ground.names));
  }

  /** What OUTCOMES says of a webhook by now. */
  async outcomesOf(webhook: string): Promise<Outcome[]> {
    const { streams } = this.ground.open;
    const stream = this.ground.names.streams.outcomes;
    const subject = this.ground.names.subjects.outcome(webhook as WebhookId);
    const last = await streams.lastOn(stream, subject);
    const outcomes: Outcome[] = [];
    if (last === null) return outcomes;
    const stop = new AbortController();
    for await (const message of streams.read(stream, { after: 0, subject, signal: stop.signal })) {
      outcomes.push(decodeOutcome(message));
      if (message.sequence >= last.sequence) break;
    }
    return outcomes;
  }

  /** Waits until so many outcomes of a webhook are stored. */
  async outcomes(webhook: string, count: number, timeoutMs?: number): Promise<Outcome[]> {
    return until(
      `${count} outcomes`,
      async () => {
        const all = await this.outcomesOf(webhook);
        return all.length >= count && all;
      },
      timeoutMs,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
