import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type CredentialCheck,
  TriggerDirectoryService,
  type TriggerEntry,
  type WatchTriggersResponse,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { type ReadConfig, triggerFrom } from '@grapnel/contracts/trigger-codec';
import type { TenantId, TriggerId } from '@grapnel/domain/ids';
import type { Channel } from '@grapnel/rpc/client';
import { keepWatching } from '@grapnel/rpc/keep-watching';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';

/** A trigger as the edge needs it. */
export interface KnownTrigger {
  readonly id: TriggerId;
  readonly tenant: TenantId;
  readonly token: string;
  readonly enabled: boolean;
  readonly config: ReadConfig;
  /** Whether `Authorization` is what this trigger asks for (NB-03). */
  admits(authorization: string | undefined): boolean;
}

/** Triggers as known by now. */
export interface Triggers {
  byToken(token: string): KnownTrigger | null;
  byId(id: TriggerId): KnownTrigger | null;
  /** Why unknown triggers cannot be told from those not loaded yet; `null` once all are. */
  problem(): string | null;
}

/** Every trigger, kept by a watch on the subscription service; goes on with what it knows while that is away. */
export class TriggerDirectory implements Triggers, Disposable {
  readonly #byId = new Map<TriggerId, { readonly revision: bigint; readonly trigger: KnownTrigger | null }>();
  readonly #byToken = new Map<string, KnownTrigger>();
  readonly #stop = new AbortController();
  /** Known before this watch, and not told of by it yet. */
  #unseen = new Set<TriggerId>();
  #complete = false;

  constructor(subscription: Channel, clock: Clock, logger: Logger) {
    const { signal } = this.#stop;
    const directory = subscription.client(TriggerDirectoryService);
    const open = () => {
      this.#unseen = new Set(this.#byId.keys());
      return directory.watchTriggers({}, { signal });
    };
    void keepWatching({ what: 'triggers', open, take: (message) => this.#take(message) }, clock, logger, signal);
  }

  byToken(token: string): KnownTrigger | null {
    return this.#byToken.get(token) ?? null;
  }

  byId(id: TriggerId): KnownTrigger | null {
    return this.#byId.get(id)?.trigger ?? null;
  }

  problem(): string | null {
    return this.#complete ? null : 'triggers are not loaded yet';
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #take({ change }: WatchTriggersResponse): void {
    if (change.case === 'snapshotDone') this.#begun(change.value.revision);
    if (change.case === 'changed') this.#changed(change.value);
    if (change.case === 'deleted') this.#put(change.value.triggerId as TriggerId, change.value.revision, null);
  }

  /**
   * A watch begins with all there is, so what it has not told of was deleted so long ago that nobody remembers it. A replica
   * that lags does not know yet what we do: only what it should have told of is gone.
   */
  #begun(revision: bigint): void {
    for (const id of this.#unseen) {
      const known = this.#byId.get(id);
      if (known === undefined || known.revision > revision) continue;
      if (known.trigger !== null) this.#byToken.delete(known.trigger.token);
      this.#byId.delete(id);
    }
    this.#unseen.clear();
    this.#complete = true;
  }

  #changed({ trigger: message, credentials }: TriggerEntry): void {
    if (message === undefined) return;
    const { id, tenant, token, enabled, config } = triggerFrom(message);
    const admits = config.username === null ? () => true : admission(credentials);
    this.#put(id, message.revision, { id, tenant, token, enabled, config, admits });
  }

  /** A replica that lags must not bring back what is over; the same state comes again under the salt of a new watch. */
  #put(id: TriggerId, revision: bigint, trigger: KnownTrigger | null): void {
    this.#unseen.delete(id);
    const known = this.#byId.get(id);
    if (known !== undefined && known.revision > revision) return;
    if (known?.trigger) this.#byToken.delete(known.trigger.token);
    this.#byId.set(id, { revision, trigger });
    if (trigger !== null) this.#byToken.set(trigger.token, trigger);
  }
}

/** Digests of equal length are compared, so that time tells nothing; without the means to compare nobody is admitted. */
const admission =
  (check: CredentialCheck | undefined) =>
  (authorization: string | undefined): boolean => {
    const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined || check === undefined) return false;
    const given = createHmac('sha256', check.salt).update(Buffer.from(encoded, 'base64')).digest();
    return given.byteLength === check.digest.byteLength && timingSafeEqual(given, check.digest);
  };
