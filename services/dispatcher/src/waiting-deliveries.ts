import { type Delivery, DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';

/** What those need who look after a webhook's waiting deliveries. */
export interface WaitingContext {
  /** To the delivery history; `null` leaves everything to the moment when it is due. */
  readonly query: Channel | null;
  /** Whether a webhook's deliveries are ours: one dispatcher does this, not all. */
  readonly owns: (webhook: WebhookId) => boolean;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The history is a moment behind; a second look finds what the first came too early for. */
const LOOKS_AFTER_MS = [500, 5_000];
const WAITING = [DeliveryStatus.PENDING, DeliveryStatus.RETRYING];
const PAGE = 1_000;

export async function lookTwice(
  { clock, signal }: Pick<WaitingContext, 'clock' | 'signal'>,
  look: () => Promise<void>,
): Promise<void> {
  for (const afterMs of LOOKS_AFTER_MS) {
    await clock.sleep(afterMs, signal);
    await look();
  }
}

/** A webhook's deliveries that have not come to their ends, as the history knows them, newest first. */
export async function* waitingDeliveries(
  query: Channel,
  tenant: TenantId,
  webhookId: WebhookId,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const history = query.client(QueryService);
  const options = { metadata: { 'grapnel-tenant': tenant }, signal };
  let pageToken = '';
  do {
    const request = { webhookId, statuses: WAITING, pageSize: PAGE, pageToken };
    const { deliveries, nextPageToken } = await history.listDeliveries(request, options);
    yield* deliveries;
    pageToken = nextPageToken;
  } while (pageToken !== '');
}
