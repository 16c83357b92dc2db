import type { NewMessage } from '@grapnel/contracts/message';
import type { EventTypes } from '@grapnel/domain/event-type/event-types';
import type { Violation } from '@grapnel/domain/violation';
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

/** What may be published, as known by now. */
export interface PublishableTypes extends EventTypes {
  /** What is wrong with data that is one JSON value, by the schema of its type; `null` where there is nothing, or no schema. */
  violation(type: string, data: Uint8Array, field: string): Violation | null;
  /** Why an unknown type cannot be told from one that is not loaded yet; `null` once all are. */
  problem(): string | null;
}

export type { ApiKeys } from '@grapnel/http-edge/authenticate';
