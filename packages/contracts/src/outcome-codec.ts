import type { Outcome } from '@grapnel/domain/delivery/outcome';
import { finalResult, statusAfter, versionOf } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { operationOfOutcome } from '@grapnel/domain/operation';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import { type Topology, webhookIn } from './topology.ts';

/**
 * One outcome per delivery, version and result: published twice, it is stored once. A turn that is repeated after a crash
 * may come to another result, and that one must not be taken for a repeat.
 */
export function encodeOutcome(outcome: Outcome, names: Topology): NewMessage {
  return {
    subject: names.subjects.outcome(outcome.delivery.webhookId),
    body: encodeJson(outcome),
    headers: summaryHeaders(outcome),
    id: `${outcome.delivery.id}:${versionOf(outcome).join(':')}:${statusAfter(outcome)}`,
  };
}

/** @throws UnreadableMessage */
export function decodeOutcome(message: Message): Outcome {
  return reading(message, () => {
    const outcome = JSON.parse(decodeText(message.body)) as Outcome;
    // What every reader goes by; the history checks the rest of what it keeps.
    const { kind, delivery } = outcome;
    if (typeof kind !== 'string' || typeof delivery.id !== 'string') throw new TypeError('not an outcome');
    return outcome;
  });
}

const SUMMARY_HEADER = 'Grapnel-Summary';
const DELIVERED = 'delivered ';
const NOTHING = 'nothing';

/** What a header says of an outcome, for those who count ends and tell news and need not read the rest. */
export type OutcomeSummary =
  | { readonly kind: 'delivered'; readonly tenant: TenantId; readonly webhookId: WebhookId }
  /** No end that counts, and no news. */
  | { readonly kind: 'nothing' }
  /** The body says it. */
  | { readonly kind: 'unsaid' };

export function summaryOf(message: Message): OutcomeSummary {
  const summary = message.header(SUMMARY_HEADER);
  if (summary === NOTHING) return { kind: 'nothing' };
  if (summary?.startsWith(DELIVERED) !== true) return { kind: 'unsaid' };
  return { kind: 'delivered', tenant: summary.slice(DELIVERED.length), webhookId: webhookIn(message.subject) };
}

function summaryHeaders(outcome: Outcome): Record<string, string> {
  const result = finalResult(outcome);
  if (result === 'delivered') return { [SUMMARY_HEADER]: DELIVERED + outcome.delivery.tenant };
  return result === null && operationOfOutcome(outcome) === null ? { [SUMMARY_HEADER]: NOTHING } : {};
}
