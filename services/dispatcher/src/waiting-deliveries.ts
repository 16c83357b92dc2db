import { type Delivery, DeliveryStatus, QueryService } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';

const WAITING = [DeliveryStatus.PENDING, DeliveryStatus.RETRYING];
const PAGE = 1_000;

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
