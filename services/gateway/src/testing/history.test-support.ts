import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  DeliveryService,
  type GetEndpointResponseSchema,
  GetEndpointResponse_State as State,
} from '@grapnel/contracts/gen/grapnel/delivery/v1/delivery_pb';
import {
  type Attempt,
  AttemptSchema,
  type Delivery,
  DeliverySchema,
  DeliveryStatus,
  type HourlyStatistics,
  type ListDeliveriesRequest,
  QueryService,
  type TailDeliveriesRequest,
  type TailDeliveriesResponse,
  type WebhookStatistics,
} from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import { type CallContext, type Registration, register } from '@grapnel/rpc/server';

/** A query service over arrays, and the dispatcher's one command. */
export class InMemoryHistory {
  readonly deliveries: { readonly tenant: string; readonly delivery: Delivery; readonly attempts: Attempt[] }[] = [];
  readonly statistics = new Map<string, WebhookStatistics>();
  readonly hours: HourlyStatistics[] = [];
  readonly replays: { readonly deliveryId: string; readonly sequence: bigint }[] = [];
  lastList: ListDeliveriesRequest | null = null;
  lastTail: TailDeliveriesRequest | null = null;
  /** Thrown by every call while set. */
  failure: RpcError | null = null;
  /** Thrown by a replay while set. */
  /** What a dispatcher says of every endpoint. */
  endpoint: MessageInitShape<typeof GetEndpointResponseSchema> = { state: State.CLOSED };
  replayFailure: RpcError | null = null;
  openTails = 0;
  readonly #tails = new Set<(response: TailDeliveriesResponse) => void>();

  get registrations(): Registration[] {
    return [this.#query(), this.#delivery()];
  }

  add(
    tenant: string,
    webhookId: string,
    id: string,
    more: Partial<Omit<Delivery, '$typeName' | '$unknown'>> = {},
  ): Delivery {
    const delivery = create(DeliverySchema, {
      id,
      webhookId,
      eventId: 'evt_1',
      eventType: 'scrape.completed',
      status: DeliveryStatus.DELIVERED,
      attemptNumber: 1,
      requestUrl: 'https://example.com/hook',
      requestMethod: 'POST',
      responseStatus: 200,
      responseDurationMs: 125,
      createdAt: timestampFromMs(Date.UTC(2026, 0, 27, 10)),
      deliveredAt: timestampFromMs(Date.UTC(2026, 0, 27, 10, 0, 0, 125)),
      sequence: 42n,
      bodyBytes: 64,
      ...more,
    });
    const attempt = create(AttemptSchema, {
      number: 1,
      startedAt: timestampFromMs(Date.UTC(2026, 0, 27, 10)),
      durationMs: 125,
      requestUrl: delivery.requestUrl,
      requestMethod: 'POST',
      requestHeaders: { 'X-Webhook-Event': delivery.eventType },
      responseStatus: 200,
      responseHeaders: { server: 'test' },
      responseBody: 'ok',
      remoteAddress: '203.0.113.7',
      succeeded: true,
    });
    this.deliveries.unshift({ tenant, delivery, attempts: [attempt] });
    return delivery;
  }

  /** Tells every open tail. */
  happened(cursor: bigint, delivery: Delivery): void {
    for (const tell of this.#tails) tell({ $typeName: 'grapnel.query.v1.TailDeliveriesResponse', cursor, delivery });
  }

  #of(call: CallContext, webhookId: string) {
    if (this.failure !== null) throw this.failure;
    const tenant = tenantOf(call.principal);
    return this.deliveries.filter(
      (one) => one.tenant === tenant && (webhookId === '' || one.delivery.webhookId === webhookId),
    );
  }

  #query(): Registration {
    return register(QueryService, 'tenant', {
      listDeliveries: async (request, call) => {
        this.lastList = request;
        const from = request.pageToken === '' ? request.offset : Number(request.pageToken);
        const found = this.#of(call, request.webhookId)
          .map(({ delivery }) => delivery)
          .filter(({ status }) => request.statuses.length === 0 || request.statuses.includes(status));
        const end = from + request.pageSize;
        return { deliveries: found.slice(from, end), nextPageToken: end < found.length ? String(end) : '' };
      },
      getDelivery: async ({ webhookId, deliveryId }, call) => {
        const found = this.#of(call, webhookId).find(({ delivery }) => delivery.id === deliveryId);
        if (found === undefined) throw RpcError.notFound('Delivery', deliveryId);
        return found;
      },
      getWebhookStatistics: async ({ webhookIds }, call) => {
        this.#of(call, '');
        return { statistics: webhookIds.flatMap((id) => this.statistics.get(id) ?? []) };
      },
      getHourlyStatistics: async (_request, call) => {
        this.#of(call, '');
        return { hours: this.hours };
      },
      tailDeliveries: (request, call) => this.#tail(request, call),
    });
  }

  async *#tail(request: TailDeliveriesRequest, { signal }: CallContext): AsyncIterable<TailDeliveriesResponse> {
    this.lastTail = request;
    const queue: TailDeliveriesResponse[] = [];
    let wake = (): void => undefined;
    const tell = (response: TailDeliveriesResponse): void => {
      queue.push(response);
      wake();
    };
    signal.addEventListener('abort', () => wake());
    this.#tails.add(tell);
    this.openTails++;
    try {
      while (!signal.aborted) {
        yield* queue.splice(0);
        if (this.failure !== null) throw this.failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (queue.length > 0 || signal.aborted) resolve();
        });
      }
    } finally {
      this.openTails--;
      this.#tails.delete(tell);
    }
  }

  /** Ends every open tail with `failure`. */
  breakTails(failure: RpcError): void {
    this.failure = failure;
    for (const tell of this.#tails) tell({ $typeName: 'grapnel.query.v1.TailDeliveriesResponse', cursor: 0n });
  }

  #delivery(): Registration {
    return register(DeliveryService, 'service', {
      replayDelivery: async ({ deliveryId, sequence }, call) => {
        if (tenantOf(call.principal) === '') throw new RpcError(Code.INVALID_ARGUMENT, 'no tenant');
        if (this.replayFailure !== null) throw this.replayFailure;
        this.replays.push({ deliveryId, sequence });
        return { deliveryId, round: 1n };
      },
      // Bulk replays are the subscription service's to ask for.
      replayDeliveries: async () => ({}),
      getEndpoint: async () => this.endpoint,
    });
  }
}
