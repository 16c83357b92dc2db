import type { WebhookId } from '@grapnel/domain/ids';
import type { WebhookState } from '@grapnel/domain/webhook/webhook';

/** A webhook as it is now, and which message of WEBHOOKS says so. */
export interface Versioned {
  readonly state: WebhookState;
  /** Position of the state in the WEBHOOKS stream; 0 when there is none. */
  readonly revision: number;
}

/** What the use cases need of the in-memory directory. */
export interface Webhooks {
  find(id: WebhookId): Versioned;
  /** Takes in what this process has just stored, before the stream brings it round. */
  applyOwn(id: WebhookId, state: WebhookState, revision: number): void;
  /** Resolves when everything that was in the stream at the time of the call is applied. */
  caughtUp(): Promise<void>;
}
