import type { Webhook } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { CallOptions } from '@grapnel/rpc/client';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { Logger } from '@grapnel/runtime/logger';
import type { Backends } from '../ports.ts';
import { totalsOf, UNKNOWN_TOTALS, type WebhookJson, webhookJson } from '../views/webhook.ts';

/** A list must not hang on the history, which only adds counters to it. */
const STATISTICS_WITHIN_MS = 2_000;

/** Webhooks with their counters; without them when the history is away. */
export async function withTotals(
  { history }: Backends,
  webhooks: readonly Webhook[],
  options: CallOptions,
  log: Pick<Logger, 'warn'>,
): Promise<WebhookJson[]> {
  if (webhooks.length === 0) return [];
  try {
    const webhookIds = webhooks.map(({ id }) => id);
    const { statistics } = await history.getWebhookStatistics(
      { webhookIds },
      { ...options, timeoutMs: STATISTICS_WITHIN_MS },
    );
    const byId = new Map(statistics.map((one) => [one.webhookId, one]));
    return webhooks.map((webhook) => webhookJson(webhook, totalsOf(byId.get(webhook.id))));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    log.warn({ err: error }, 'answering without statistics');
    return webhooks.map((webhook) => webhookJson(webhook, UNKNOWN_TOTALS));
  }
}

export async function withItsTotals(
  backends: Backends,
  webhook: Webhook,
  options: CallOptions,
  log: Pick<Logger, 'warn'>,
): Promise<WebhookJson> {
  const [one] = await withTotals(backends, [webhook], options, log);
  return one as WebhookJson;
}

/**
 * Rejects when the tenant has no such webhook. While its owner is away nobody can know: then the history alone
 * decides, which knows the tenant too.
 */
export async function assertWebhook({ webhooks }: Backends, webhookId: string, options: CallOptions): Promise<void> {
  try {
    await webhooks.getWebhook({ webhookId }, options);
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Code.UNAVAILABLE) throw error;
  }
}
