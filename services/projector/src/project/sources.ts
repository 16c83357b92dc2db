import { type Message, UnreadableMessage } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import { type Changes, changesOfDeliveries, changesOfOutcomes, changesOfWebhooks } from './changes.ts';
import { readDeletedWebhook, readDelivery, readOutcome } from './read-message.ts';

/** One of the streams that the history is made from. */
export interface Source {
  readonly stream: string;
  /** All that the stream takes. */
  readonly subjects: string;
  readonly headersOnly: boolean;
  /** Reports each message that cannot be read, and passes over it. */
  changesOf(messages: readonly Message[], unreadable: (error: UnreadableMessage) => void): Changes;
}

export interface Sources {
  /** Read to its end before the others begin, so that what is deleted never shows, not even during a rebuild. */
  readonly webhooks: Source;
  readonly outcomes: Source;
  readonly deliveries: Source;
}

export const allOf = ({ webhooks, outcomes, deliveries }: Sources): readonly Source[] => [
  webhooks,
  outcomes,
  deliveries,
];

export function sourcesOf({ streams, subjects }: Topology): Sources {
  return {
    webhooks: {
      stream: streams.webhooks,
      subjects: subjects.allWebhooks,
      headersOnly: false,
      changesOf(messages, unreadable) {
        const deleted = readable(messages, readDeletedWebhook, unreadable);
        return changesOfWebhooks(deleted.filter((gone) => gone !== null));
      },
    },
    outcomes: {
      stream: streams.outcomes,
      subjects: subjects.allOutcomes,
      headersOnly: false,
      changesOf: (messages, unreadable) =>
        changesOfOutcomes(readable(messages, (m) => ({ sequence: m.sequence, outcome: readOutcome(m) }), unreadable)),
    },
    deliveries: {
      stream: streams.deliveries,
      subjects: subjects.allDeliveries,
      headersOnly: true,
      changesOf: (messages, unreadable) => changesOfDeliveries(readable(messages, readDelivery, unreadable)),
    },
  };
}

function readable<T>(
  messages: readonly Message[],
  read: (message: Message) => T,
  unreadable: (error: UnreadableMessage) => void,
): T[] {
  const results: T[] = [];
  for (const message of messages) {
    try {
      results.push(read(message));
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      unreadable(error);
    }
  }
  return results;
}
