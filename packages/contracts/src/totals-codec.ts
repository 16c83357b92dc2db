import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import type { Topology } from './topology.ts';

/** What deliveries that were made on one day came to; times are milliseconds since the epoch. */
export interface DayTotals {
  /** Its first moment, or -1 for all days that the history keeps no more. */
  readonly day: number;
  readonly delivered: number;
  readonly failed: number;
  readonly lastSuccessAt: number | null;
  readonly lastFailureAt: number | null;
}

/** What TOTALS holds of one webhook: what its older deliveries came to, so that it outlives their outcomes. */
export interface LifetimeTotals {
  readonly tenant: TenantId;
  readonly webhookId: WebhookId;
  /** The days count deliveries made before this moment … */
  readonly madeBefore: number;
  /** … as their outcomes tell up to and with this position of OUTCOMES … */
  readonly covered: number;
  /** … which is the stream that was created then. */
  readonly outcomesCreated: string;
  readonly days: readonly DayTotals[];
}

/** `expectedLastSequence`: position of the totals that these take the place of; 0 for the first. */
export function encodeTotals(totals: LifetimeTotals, expectedLastSequence: number, names: Topology): NewMessage {
  return {
    subject: names.subjects.totals(totals.webhookId),
    body: encodeJson(totals),
    headers: {},
    expectedLastSequence,
  };
}

/** @throws UnreadableMessage */
export function decodeTotals(message: Message): LifetimeTotals {
  return reading(message, () => JSON.parse(decodeText(message.body)) as LifetimeTotals);
}
