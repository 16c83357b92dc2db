import type { Message } from '@grapnel/contracts/message';
import { decodeOutcome, summaryOf } from '@grapnel/contracts/outcome-codec';
import type { Outcome } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import { readOrPassOver } from './follow-stream.ts';

/** What this service wants to know of an outcome: most are successes, of which a header says all. */
export type OutcomeFact =
  | { readonly kind: 'delivered'; readonly sequence: number; readonly tenant: TenantId; readonly webhookId: WebhookId }
  | { readonly kind: 'told'; readonly sequence: number; readonly outcome: Outcome };

/** From headers alone where these say enough; the rest is fetched. Outcomes that mean nothing here are left out. */
export async function outcomeFacts(
  headers: readonly Message[],
  { streams, logger }: { readonly streams: EventStreams; readonly logger: Logger },
): Promise<OutcomeFact[]> {
  const facts: (OutcomeFact | null)[] = [];
  const fetching: Promise<void>[] = [];
  for (const [i, message] of headers.entries()) {
    const summary = summaryOf(message);
    facts.push(summary.kind === 'delivered' ? { ...summary, sequence: message.sequence } : null);
    if (summary.kind === 'unsaid') fetching.push(fetch(i, message));
  }
  await Promise.all(fetching);
  return facts.filter((fact) => fact !== null);

  async function fetch(i: number, { stream, sequence }: Message): Promise<void> {
    const message = await streams.get(stream, sequence);
    // Gone meanwhile with its webhook, or aged out.
    if (message === null) return;
    const outcome = readOrPassOver(message, decodeOutcome, logger);
    if (outcome !== null) facts[i] = { kind: 'told', sequence, outcome };
  }
}
