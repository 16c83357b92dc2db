import {
  DirectoryService,
  type WatchApiKeysResponse,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import type { TenantId } from '@grapnel/domain/ids';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { KeyLookup } from './auth.ts';
import type { Channel } from './client.ts';
import { keepWatching } from './keep-watching.ts';

interface Entry {
  readonly tenant: TenantId;
  readonly active: boolean;
}

/**
 * Every API key's hash, kept by a watch on the subscription service. Goes on working with what it knows while that
 * service is away.
 */
export class KeyDirectory implements Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();
  #complete = false;

  constructor(subscription: Channel, clock: Clock, logger: Logger) {
    const { signal } = this.#stop;
    const directory = subscription.client(DirectoryService);
    const open = () => directory.watchApiKeys({}, { signal });
    void keepWatching({ what: 'API keys', open, take: (message) => this.#take(message) }, clock, logger, signal);
  }

  /** For {@link authenticator}. */
  readonly lookUp: KeyLookup = (key) => {
    const entry = this.#entries.get(hashApiKey(key));
    if (entry === undefined) return { ok: false, refusal: 'Invalid API key' };
    if (!entry.active) return { ok: false, refusal: 'API key is inactive' };
    return { ok: true, tenant: entry.tenant };
  };

  /** Why keys cannot be looked up yet; `null` once all are known. */
  problem(): string | null {
    return this.#complete ? null : 'API keys are not loaded yet';
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #take({ change }: WatchApiKeysResponse): void {
    if (change.case === 'snapshotDone') this.#complete = true;
    if (change.case !== 'changed') return;
    const { keyHash, tenant, active } = change.value;
    const hash = Buffer.from(keyHash).toString('hex');
    // A revoked key never comes back: a replica that lags must not make it work again.
    if (this.#entries.get(hash)?.active === false) return;
    this.#entries.set(hash, { tenant, active });
  }
}
