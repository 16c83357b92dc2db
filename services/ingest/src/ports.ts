import type { NewMessage } from '@grapnel/contracts/message';
import type { Stored } from '@grapnel/stream/ports';

/** What ingest needs of the event streams. */
export interface EventStore {
  /**
   * Resolves once the message is stored.
   * @throws StoreUnavailable when nobody knows whether it was
   */
  publish(message: NewMessage): Promise<Stored>;
  /** Why the store is out of reach; `null` while it is not. */
  problem(): string | null;
}

export type { ApiKeys } from '@grapnel/http-edge/authenticate';
