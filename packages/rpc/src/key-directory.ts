import { DirectoryService } from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import type { TenantId } from '@grapnel/domain/ids';
import { hashApiKey } from '@grapnel/domain/tenancy/api-key';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { KeyLookup } from './auth.ts';
import type { Channel } from './client.ts';

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
    void this.#follow(subscription, clock, logger);
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

  async #follow(subscription: Channel, clock: Clock, logger: Logger): Promise<void> {
    const { signal } = this.#stop;
    const backoff = new Backoff(clock);
    const directory = subscription.client(DirectoryService);
    while (!signal.aborted) {
      try {
        for await (const { change } of directory.watchApiKeys({}, { signal })) {
          backoff.reset();
          if (change.case === 'snapshotDone') this.#complete = true;
          if (change.case === 'changed') {
            const { keyHash, tenant, active } = change.value;
            const hash = Buffer.from(keyHash).toString('hex');
            // A revoked key never comes back: a replica that lags must not make it work again.
            if (this.#entries.get(hash)?.active === false) continue;
            this.#entries.set(hash, { tenant: tenant, active });
          }
        }
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error }, 'the watch on API keys was interrupted; trying again');
      }
      await backoff.wait(signal).catch(() => {});
    }
  }
}
