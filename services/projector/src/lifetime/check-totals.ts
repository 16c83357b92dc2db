import { type Message, reading } from '@grapnel/contracts/message';
import { decodeTotals, type LifetimeTotals } from '@grapnel/contracts/totals-codec';
import { isTenantId, isWebhookId } from '@grapnel/domain/ids';

/** @throws UnreadableMessage also where the database would refuse a value */
export function readTotals(message: Message): LifetimeTotals {
  const totals = decodeTotals(message);
  return reading(message, () => {
    const { tenant, webhookId, madeBefore, covered, days } = totals;
    const fine =
      isTenantId(tenant) &&
      isWebhookId(webhookId) &&
      [madeBefore, covered].every(Number.isSafeInteger) &&
      days.every(
        ({ day, delivered, failed, lastSuccessAt, lastFailureAt }) =>
          [day, delivered, failed].every(Number.isSafeInteger) &&
          [lastSuccessAt, lastFailureAt].every((at) => at === null || Number.isSafeInteger(at)),
      );
    if (!fine) throw new TypeError('not the totals of a webhook');
    return totals;
  });
}
