import type { SendResult, Verdict } from '../delivery/classify.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Event } from '../event/event.ts';
import type { WebhookConfig } from '../webhook/config.ts';

/** What a request's headers are made from. */
export interface SigningContext {
  readonly delivery: Delivery;
  readonly body: Uint8Array;
  /** In force now, newest first; never empty. */
  readonly secrets: readonly string[];
  readonly now: number;
}

export type RetryPolicy = Pick<WebhookConfig, 'maxRetries' | 'backoffMultiplier'>;

/** A wire format: one file says everything about it. */
export interface Profile {
  readonly name: WebhookConfig['profile'];
  /** The exact bytes to send, from the event and its data in compact form; frozen when the delivery is made (ST-04). */
  body(event: Event, compactData: string): string;
  /** Headers that are the system's; a webhook's own headers of the same name, in any case, are left out. */
  headers(context: SigningContext): Record<string, string>;
  classify(result: SendResult): Verdict;
  /** Milliseconds to wait before retry `n` (from 1), or `null` when there are no more. */
  retryDelayMs(policy: RetryPolicy, n: number): number | null;
}
