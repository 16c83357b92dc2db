import type { Outcome } from '@grapnel/domain/delivery/outcome';
import { statusAfter, versionOf } from '@grapnel/domain/delivery/outcome';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import type { Topology } from './topology.ts';

/**
 * One outcome per delivery, version and result: published twice, it is stored once. A turn that is repeated after a crash
 * may come to another result, and that one must not be taken for a repeat.
 */
export function encodeOutcome(outcome: Outcome, names: Topology): NewMessage {
  return {
    subject: names.subjects.outcome(outcome.delivery.webhookId),
    body: encodeJson(outcome),
    headers: {},
    id: `${outcome.delivery.id}:${versionOf(outcome).join(':')}:${statusAfter(outcome)}`,
  };
}

/** @throws UnreadableMessage */
export function decodeOutcome(message: Message): Outcome {
  return reading(message, () => JSON.parse(decodeText(message.body)) as Outcome);
}
