import {
  type Aggregate,
  aggregateOf,
  decodeRecorded,
  decodeRecordedApiKey,
  decodeRecordedWebhook,
} from '@grapnel/contracts/aggregate-codec';
import type { Message } from '@grapnel/contracts/message';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { MatchIndex } from '@grapnel/domain/match';
import type { ApiKey } from '@grapnel/domain/tenancy/api-key';
import { ABSENT, type Webhook, type WebhookState } from '@grapnel/domain/webhook/webhook';
import type { Logger } from '@grapnel/runtime/logger';
import type { EventStreams } from '@grapnel/stream/ports';
import type { Versioned, Webhooks } from './ports.ts';
import { type RecordDirectory, type RecordKind, Records, type StoredRecord } from './records.ts';

/** What changed; the directory holds the new state. */
export type Change =
  | { readonly kind: 'webhook'; readonly id: WebhookId; readonly tenant: TenantId }
  | { readonly kind: 'key'; readonly hash: string }
  | { readonly kind: 'record'; readonly of: RecordKind; readonly tenant: TenantId; readonly id: string }
  | { readonly kind: 'position' };

const STOPPING = 'the directory is stopping';

const NOTHING: Versioned = { state: ABSENT, revision: 0 };

/**
 * Every webhook, API key and other record in memory, made from the last message of each subject of WEBHOOKS and kept by its tail.
 * Replicas have one each; none is ahead of the stream, and {@link Directory.caughtUp} says when one is not behind.
 */
export class Directory implements Webhooks, RecordDirectory {
  readonly index = new MatchIndex();
  readonly #records: Readonly<Record<RecordKind, Records<unknown>>> = {
    account: new Records('account'),
    event_type: new Records('event_type'),
    trigger: new Records('trigger'),
    replay: new Records('replay'),
    replay_turn: new Records('replay_turn'),
  };
  readonly #webhooks = new Map<WebhookId, Versioned>();
  readonly #ofTenant = new Map<TenantId, Set<WebhookId>>();
  /** Apart from the others: they come and go with their jobs, and nobody wants to page through them. */
  readonly #ofJobsOfTenant = new Map<TenantId, Set<WebhookId>>();
  readonly #keys = new Map<string, { readonly key: ApiKey; readonly revision: number }>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #waiting: {
    readonly position: number;
    readonly resume: () => void;
    readonly giveUp: (why: Error) => void;
  }[] = [];
  readonly #streams: EventStreams;
  readonly #names: Topology;
  readonly #logger: Logger;
  #position = 0;
  #stopped = false;
  #sync: Promise<void> | null = null;
  #nextSync: Promise<void> | null = null;

  constructor(streams: EventStreams, names: Topology, logger: Logger) {
    this.#streams = streams;
    this.#names = names;
    this.#logger = logger;
  }

  /** Reads the stream until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const stream = this.#names.streams.webhooks;
    signal.addEventListener('abort', () => this.#stopWaiting(), { once: true });
    for await (const message of this.#streams.read(stream, { after: 0, lastPerSubject: true, signal })) {
      try {
        this.#apply(message);
      } catch (error) {
        // Whatever is wrong with it: every replica reads it again at every start, and must not end by it.
        this.#logger.error({ err: error, subject: message.subject }, 'an unreadable aggregate was passed over');
      }
      this.#advance(message.sequence);
    }
  }

  /** Everything up to here is applied. */
  get position(): number {
    return this.#position;
  }

  find(id: WebhookId): Versioned {
    return this.#webhooks.get(id) ?? NOTHING;
  }

  /** The webhook, if it is there and the tenant's. */
  ofTenant(tenant: TenantId, id: WebhookId): { readonly webhook: Webhook; readonly revision: number } | null {
    const { state, revision } = this.find(id);
    return state.kind === 'present' && state.webhook.tenant === tenant ? { webhook: state.webhook, revision } : null;
  }

  /** Those that belong to no job, newest first; ids begin with the time of creation. */
  idsOf(tenant: TenantId): WebhookId[] {
    return [...(this.#ofTenant.get(tenant) ?? [])].toSorted().toReversed();
  }

  /** Those that belong to jobs, retired ones too; their order is stable, and no more. */
  jobWebhooksOf(tenant: TenantId): WebhookId[] {
    return [...(this.#ofJobsOfTenant.get(tenant) ?? [])].toSorted().toReversed();
  }

  countOf(tenant: TenantId): number {
    return this.#ofTenant.get(tenant)?.size ?? 0;
  }

  all(): IterableIterator<[WebhookId, Versioned]> {
    return this.#webhooks.entries();
  }

  keyByHash(hash: string): { readonly key: ApiKey; readonly revision: number } | null {
    return this.#keys.get(hash) ?? null;
  }

  keys(): ApiKey[] {
    return [...this.#keys.values()].map(({ key }) => key);
  }

  applyOwn(id: WebhookId, state: WebhookState, revision: number): void {
    this.#putWebhook(id, state, revision);
  }

  applyOwnKey(key: ApiKey, revision: number): void {
    this.#putKey(key, revision);
  }

  /** The records of one kind; the caller names the shape of their state, as the one who writes them. */
  records<State>(kind: RecordKind): Records<State> {
    return this.#records[kind] as Records<State>;
  }

  applyOwnRecord(kind: RecordKind, record: StoredRecord<unknown>): void {
    if (this.#records[kind].put(record)) {
      this.#tell({ kind: 'record', of: kind, tenant: record.tenant, id: record.id });
    }
  }

  /** Lets go of what is over and no longer in the stream, unless there is something newer. */
  forget({ tenant, kind, id }: Aggregate, revision: number): void {
    if (kind === 'key') return;
    if (kind !== 'webhook') return this.#records[kind].forget(tenant, id, revision);
    if (this.find(id as WebhookId).revision !== revision) return;
    this.#webhooks.delete(id as WebhookId);
    for (const ids of [this.#ofTenant, this.#ofJobsOfTenant]) if (ids.get(tenant)?.size === 0) ids.delete(tenant);
  }

  /** Calls `listener` at every change until the returned function is called. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  caughtUp(): Promise<void> {
    // A look at the stream that is under way began before this call and may have missed what the caller knows of:
    // everyone who comes meanwhile shares the next one.
    if (this.#sync === null) {
      this.#sync = this.#synchronise().finally(() => {
        this.#sync = null;
      });
      return this.#sync;
    }
    this.#nextSync ??= this.#sync
      .catch(() => {})
      .then(() => {
        this.#nextSync = null;
        return this.caughtUp();
      });
    return this.#nextSync;
  }

  async #synchronise(): Promise<void> {
    const { webhooks } = this.#names.streams;
    if (await this.#streams.endsAt(webhooks, this.#position)) return;
    const { lastSequence } = await this.#streams.state(webhooks);
    if (this.#position >= lastSequence) return;
    if (this.#stopped) throw new Error(STOPPING);
    await new Promise<void>((resume, giveUp) => this.#waiting.push({ position: lastSequence, resume, giveUp }));
  }

  /** Nothing is read any more, so nobody will be caught up. */
  #stopWaiting(): void {
    this.#stopped = true;
    for (const { giveUp } of this.#waiting.splice(0)) giveUp(new Error(STOPPING));
  }

  #advance(sequence: number): void {
    this.#position = sequence;
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if ((this.#waiting[i]?.position ?? 0) <= sequence) this.#waiting.splice(i, 1)[0]?.resume();
    }
    this.#tell({ kind: 'position' });
  }

  #apply(message: Message): void {
    const { kind, id, tenant } = aggregateOf(message);
    const revision = message.sequence;
    if (kind === 'webhook') {
      this.#putWebhook(id as WebhookId, decodeRecordedWebhook(message).state, revision);
    } else if (kind === 'key') {
      this.#putKey(decodeRecordedApiKey(message).state, revision);
    } else {
      this.applyOwnRecord(kind, { tenant, id, state: decodeRecorded(message).state, revision });
    }
  }

  #putWebhook(id: WebhookId, state: WebhookState, revision: number): void {
    if (state.kind === 'absent' || revision <= this.find(id).revision) return;
    this.#webhooks.set(id, { state, revision });
    const tenant = state.kind === 'present' ? state.webhook.tenant : state.tenant;
    if (state.kind === 'present') {
      this.index.put(state.webhook);
      idsIn(state.webhook.config.jobId === null ? this.#ofTenant : this.#ofJobsOfTenant, tenant).add(id);
    } else {
      this.index.remove(id);
      idsIn(this.#ofTenant, tenant).delete(id);
      idsIn(this.#ofJobsOfTenant, tenant).delete(id);
    }
    this.#tell({ kind: 'webhook', id, tenant });
  }

  #putKey(key: ApiKey, revision: number): void {
    if (revision <= (this.#keys.get(key.hash)?.revision ?? 0)) return;
    this.#keys.set(key.hash, { key, revision });
    this.#tell({ kind: 'key', hash: key.hash });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function idsIn(all: Map<TenantId, Set<WebhookId>>, tenant: TenantId): Set<WebhookId> {
  let ids = all.get(tenant);
  if (ids === undefined) all.set(tenant, (ids = new Set()));
  return ids;
}
