import { timestampMs } from '@bufbuild/protobuf/wkt';
import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { type Delivery, DeliveryStatus } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import { encodeDueEntry } from '@grapnel/contracts/retry-codec';
import type { WebhookId } from '@grapnel/domain/ids';
import { partitionOf } from '@grapnel/domain/partition';
import type { Channel } from '@grapnel/rpc/client';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { LRUCache } from 'lru-cache';
import type { Endpoint } from './endpoint/endpoint.ts';
import type { Gates } from './endpoint/gates.ts';
import { lookTwice, type WaitingContext, waitingDeliveries } from './waiting-deliveries.ts';

export interface WakerContext extends WaitingContext {
  readonly gates: Pick<Gates, 'stateOf'>;
}

/** So many at once, and a pause before the next: an endpoint that has just come back must not be overrun. */
const AT_ONCE = 100;
const PAUSE_MS = 200;
/** What is behind these comes by its lanes. Fewer than {@link Turns} remembers, which tells apart what asks twice. */
const MOST = 50_000;
/** Webhooks of which it is known when they were woken. */
const REMEMBERED = 10_000;

/**
 * Calls deliveries that wait because of how their endpoint was, when its owner has mended it: they need not wait until an
 * estimate, or a wish of the endpoint of before, is over. The schedule's own waits are kept to. The entries in the lanes stay
 * and find their turns taken.
 */
export class WaitingWaker {
  readonly #context: WakerContext;
  readonly #waking = new Map<WebhookId, Promise<void>>();
  /** Changed again while what waits is being called. */
  readonly #again = new Map<WebhookId, Endpoint>();
  readonly #wokenAt = new LRUCache<WebhookId, number>({ max: REMEMBERED });

  constructor(context: WakerContext) {
    this.#context = context;
  }

  wake(endpoint: Endpoint): void {
    const { query, owns, clock, signal, logger } = this.#context;
    // In a strict order nearly everything waits for what is before it, and is called when that has ended.
    if (query === null || !owns(endpoint.id) || endpoint.ordering === 'strict') return;
    if (this.#waking.has(endpoint.id)) return void this.#again.set(endpoint.id, endpoint);
    const since = clock.now();
    this.#wokenAt.set(endpoint.id, since);
    const waking = lookTwice(this.#context, () => this.#look(query, endpoint, since))
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error, webhook: endpoint.id }, 'what waits is left to its lanes');
      })
      .finally(() => {
        this.#waking.delete(endpoint.id);
        const again = this.#again.get(endpoint.id);
        this.#again.delete(endpoint.id);
        if (again !== undefined && !signal.aborted) this.wake(again);
      });
    this.#waking.set(endpoint.id, waking);
  }

  /** When what waited for a webhook was last called by this process. */
  wokenAt(webhook: WebhookId): number {
    return this.#wokenAt.get(webhook) ?? Number.NEGATIVE_INFINITY;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#waking.values());
  }

  async #look(query: Channel, { id, tenant, revision }: Endpoint, since: number): Promise<void> {
    const { owns, gates, streams, names, clock, signal } = this.#context;
    const consumer = names.consumers.dispatch(partitionOf(id, names.partitions));
    const { ackFloor, pending } = await streams.lag(names.streams.deliveries, consumer);
    // What has not been taken from the stream is not away: its own message asks for its turn.
    const taken = pending === 0 ? Number.POSITIVE_INFINITY : ackFloor;
    let woken = 0;
    let some: Delivery[] = [];
    for await (const delivery of waitingDeliveries(query, tenant, id, signal)) {
      if (!waitsForEndpoint(delivery, since, taken)) continue;
      if (some.push(delivery) < AT_ONCE) continue;
      await this.#call(some, revision);
      woken += some.length;
      some = [];
      await clock.sleep(PAUSE_MS, signal);
      const isOpen = (gates.stateOf(id)?.circuit.kind ?? 'closed') === 'closed';
      if (woken >= MOST || !isOpen || !owns(id)) return;
    }
    await this.#call(some, revision);
  }

  async #call(deliveries: readonly Delivery[], revision: number): Promise<void> {
    await Promise.all(deliveries.map((delivery) => this.#callOne(delivery, revision)));
  }

  async #callOne({ id, sequence, round, attemptNumber }: Delivery, revision: number): Promise<void> {
    const { streams, names, clock, signal } = this.#context;
    const message = await streams.get(names.streams.deliveries, Number(sequence));
    if (message === null) return;
    const delivery = decodeDelivery(message);
    if (delivery.id !== id) return;
    const turn = { round: Number(round), attempt: attemptNumber + 1 };
    const entry = { delivery, turn, dueAt: clock.now(), reason: 'over_cap', traceparent: null } as const;
    const cause = `wake:${id}:${revision}` as const;
    await publishUntilStored(streams, encodeDueEntry(entry, cause, names), clock, signal);
  }
}

/**
 * What was taken and has not been tried, or whose retry is overdue, waits for its endpoint. Replays that have not been
 * tried may be part of many, which have their own pace.
 */
function waitsForEndpoint(
  { status, round, test, sequence, nextAttemptAt }: Delivery,
  since: number,
  taken: number,
): boolean {
  if (test) return false;
  if (status === DeliveryStatus.PENDING) return round === 0n && Number(sequence) <= taken;
  return nextAttemptAt !== undefined && timestampMs(nextAttemptAt) < since;
}
