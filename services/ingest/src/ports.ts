import type { NewMessage } from '@grapnel/contracts/message';
import type { TenantId } from '@grapnel/domain/ids';
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

/** Who an API key belongs to; the refusals are the texts of AC-01. */
export interface ApiKeys {
  lookUp(
    key: string,
  ): { readonly ok: true; readonly tenant: TenantId } | { readonly ok: false; readonly refusal: string };
  /** Why keys cannot be looked up yet; `null` once all are known. */
  problem(): string | null;
}
