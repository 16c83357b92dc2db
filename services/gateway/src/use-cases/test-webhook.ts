import type { Delivery } from '@grapnel/contracts/gen/grapnel/query/v1/query_pb';
import type { CallOptions } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { Clock } from '@grapnel/runtime/clock';
import type { Backends } from '../ports.ts';
import { type DeliveryJson, deliveryJson } from '../views/delivery.ts';

/** Between two looks at the history. */
const LOOK_MS = 100;

/**
 * What became of a test (AC-10): the delivery as it is after its first attempt, or `null` when that is not known within
 * `waitMs` — the endpoint is slow, or the history is away.
 */
export async function outcomeOfTest(
  { history }: Pick<Backends, 'history'>,
  ids: { readonly webhookId: string; readonly deliveryId: string },
  waitMs: number,
  options: CallOptions,
  clock: Clock,
): Promise<DeliveryJson | null> {
  const until = clock.monotonic() + waitMs;
  for (;;) {
    const left = until - clock.monotonic();
    if (left <= 0) return null;
    const found = await look(history, ids, { ...options, timeoutMs: left });
    if (found === 'away') return null;
    const delivery = found === null ? null : deliveryJson(found);
    if (delivery !== null && delivery.status !== 'pending') return delivery;
    await clock.sleep(Math.min(LOOK_MS, left), options.signal);
  }
}

async function look(
  history: Backends['history'],
  ids: { readonly webhookId: string; readonly deliveryId: string },
  options: CallOptions,
): Promise<Delivery | null | 'away'> {
  try {
    return (await history.getDelivery(ids, options)).delivery ?? null;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // Not in the history yet.
    if (error.code === Code.NOT_FOUND) return null;
    if (error.code === Code.UNAVAILABLE || error.code === Code.DEADLINE_EXCEEDED) return 'away';
    throw error;
  }
}
