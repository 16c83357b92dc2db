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
  const facts = await Promise.all(headers.map(factOf));
  return facts.filter((fact) => fact !== null);

  function factOf(message: Message): OutcomeFact | null | Promise<OutcomeFact | null> {
    const summary = summaryOf(message);
    switch (summary.kind) {
      case 'delivered':
        return { ...summary, sequence: message.sequence };
      case 'nothing':
        return null;
      case 'unsaid':
        return told(message);
    }
  }

  async function told({ stream, sequence }: Message): Promise<OutcomeFact | null> {
    // Gone meanwhile with its webhook, or aged out.
    const message = await streams.get(stream, sequence);
    const outcome = message === null ? null : readOrPassOver(message, decodeOutcome, logger);
    return outcome === null ? null : { kind: 'told', sequence, outcome };
  }
}
