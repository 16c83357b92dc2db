import {
  DirectoryService,
  type WatchEndpointsResponse,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/directory_pb';
import type { WebhookId } from '@grapnel/domain/ids';
import type { KeyRing } from '@grapnel/domain/security/keyring';
import type { Channel } from '@grapnel/rpc/client';
import { keepWatching } from '@grapnel/rpc/keep-watching';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import type { Endpoints } from '../ports.ts';
import type { SignatureHeaders } from '../signature-headers.ts';
import { type Endpoint, endpointFrom } from './endpoint.ts';

/** Who has to know what becomes of endpoints. */
export interface DirectoryListener {
  /** It was active and now is auto-disabled. */
  disabled(endpoint: Endpoint): void;
  /** Its owner has pointed it elsewhere, changed how it is called, or activated it: what was learned of it is old. */
  mended(endpoint: Endpoint): void;
  /** Its owner allows it more. */
  eased(endpoint: Endpoint): void;
}

/**
 * Every endpoint in memory, kept by a watch on the subscription service; goes on with what it knows while that service is
 * away. A watch begins with all there is, so what is missing from a completed beginning was deleted meanwhile.
 */
export class EndpointDirectory implements Endpoints {
  readonly #endpoints = new Map<WebhookId, Endpoint>();
  /** There, but sealed under a key that is not in the ring, or of a profile that this version does not know. */
  readonly #unusable = new Map<WebhookId, number>();
  readonly #ring: KeyRing;
  readonly #brands: SignatureHeaders;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #hears: DirectoryListener;
  readonly #loaded = Promise.withResolvers<void>();
  #revision = -1;

  constructor(ring: KeyRing, brands: SignatureHeaders, clock: Clock, logger: Logger, hears: DirectoryListener) {
    this.#hears = hears;
    this.#ring = ring;
    this.#brands = brands;
    this.#clock = clock;
    this.#logger = logger;
  }

  find(id: WebhookId, knownFrom: number): Endpoint | 'behind' | 'gone' | 'unusable' {
    if (this.#unusable.has(id)) return 'unusable';
    const endpoint = this.#endpoints.get(id);
    if (endpoint !== undefined && (endpoint.revision >= knownFrom || this.#revision >= knownFrom)) return endpoint;
    return this.#revision >= knownFrom ? 'gone' : 'behind';
  }

  /** Why nothing can be sent yet; `null` once all endpoints are known. */
  problem(): string | null {
    return this.#revision >= 0 ? null : 'endpoints are not loaded yet';
  }

  /** Resolves when all endpoints are known. */
  loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  /** Watches until `signal` aborts. */
  async follow(subscription: Channel, signal: AbortSignal): Promise<void> {
    const directory = subscription.client(DirectoryService);
    let unseen: Set<WebhookId> | null = null;
    const open = () => {
      unseen = new Set([...this.#endpoints.keys(), ...this.#unusable.keys()]);
      return directory.watchEndpoints({}, { signal });
    };
    const take = ({ change }: WatchEndpointsResponse): void => {
      switch (change.case) {
        case 'changed':
          unseen?.delete(change.value.webhookId as WebhookId);
          this.#put(change.value);
          break;
        case 'deleted':
          this.#remove(change.value.webhookId as WebhookId, Number(change.value.revision));
          break;
        case 'snapshotDone':
          // A replica that lags does not know yet what we do: only what it should have seen was deleted.
          for (const id of unseen ?? []) this.#remove(id, Number(change.value.revision));
          unseen = null;
          this.#revision = Math.max(this.#revision, Number(change.value.revision));
          this.#loaded.resolve();
          break;
        case 'revision':
          this.#revision = Math.max(this.#revision, Number(change.value));
          break;
        case undefined:
          break;
      }
    };
    await keepWatching({ what: 'endpoints', open, take }, this.#clock, this.#logger, signal);
  }

  #put(message: Parameters<typeof endpointFrom>[0]): void {
    try {
      const endpoint = endpointFrom(message, this.#ring, this.#brands);
      const known = this.#endpoints.get(endpoint.id);
      if (known !== undefined && known.revision > endpoint.revision) return;
      this.#endpoints.set(endpoint.id, endpoint);
      this.#unusable.delete(endpoint.id);
      if (known === undefined) return;
      if (known.inactive === null && endpoint.inactive === 'auto_disabled') this.#hears.disabled(endpoint);
      else if (isMended(known, endpoint)) this.#hears.mended(endpoint);
      else if (isEased(known, endpoint)) this.#hears.eased(endpoint);
    } catch (error) {
      this.#logger.error({ err: error, webhook: message.webhookId }, 'an endpoint cannot be used; its deliveries wait');
      const id = message.webhookId as WebhookId;
      this.#endpoints.delete(id);
      this.#unusable.set(id, Number(message.revision));
    }
  }

  /** Takes out what was known up to `revision`. */
  #remove(id: WebhookId, revision: number): void {
    const known = this.#endpoints.get(id)?.revision ?? this.#unusable.get(id) ?? 0;
    if (known > revision) return;
    this.#endpoints.delete(id);
    this.#unusable.delete(id);
  }
}

const isEased = (before: Endpoint, after: Endpoint): boolean =>
  after.inactive === null &&
  (after.rateLimitPerSecond ?? Number.POSITIVE_INFINITY) > (before.rateLimitPerSecond ?? Number.POSITIVE_INFINITY);

const isMended = (before: Endpoint, after: Endpoint): boolean =>
  after.inactive === null &&
  (before.inactive !== null || before.target.href !== after.target.href || before.timeoutMs !== after.timeoutMs);
