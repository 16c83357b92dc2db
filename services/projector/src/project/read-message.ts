import { aggregateOf, decodeRecordedWebhook } from '@grapnel/contracts/aggregate-codec';
import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { type Message, reading } from '@grapnel/contracts/message';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import type { StoredDelivery } from '@grapnel/domain/delivery/delivery';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { checkDeletedWebhook, checkDelivery, checkOutcome } from './check-message.ts';

/** A webhook that is gone. */
export interface DeletedWebhook {
  readonly webhookId: WebhookId;
  readonly tenant: TenantId;
  readonly deletedAt: number;
}

/** @throws UnreadableMessage also where the database would refuse a value, so that no message can stop the projection */
export function readOutcome(message: Message): Outcome {
  const outcome = decodeOutcome(message);
  return reading(message, () => checkOutcome(outcome));
}

/** @throws UnreadableMessage */
export function readDelivery(message: Message): StoredDelivery {
  const delivery = decodeDelivery(message);
  return reading(message, () => checkDelivery(delivery));
}

/**
 * `null` for everything that is not the end of a webhook.
 * @throws UnreadableMessage
 */
export function readDeletedWebhook(message: Message): DeletedWebhook | null {
  const { kind } = aggregateOf(message);
  if (kind !== 'webhook') return null;
  const { state } = decodeRecordedWebhook(message);
  if (state?.kind !== 'deleted') return null;
  return reading(message, () => checkDeletedWebhook(state));
}
