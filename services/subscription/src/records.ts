import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { AggregateKind, Topology } from '@grapnel/contracts/topology';
import type { TenantId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type EventStreams, WrongLastSequence } from '@grapnel/stream/ports';

/** Aggregates whose state is looked up by tenant and id alone; webhooks and keys have indexes of their own. */
export type RecordKind = Exclude<AggregateKind, 'webhook' | 'key'>;

export interface StoredRecord<State> {
  readonly tenant: TenantId;
  readonly id: string;
  readonly state: State;
  /** Position in the WEBHOOKS stream. */
  readonly revision: number;
}

/** The records of one kind in memory, kept by the directory. `State` says itself whether the aggregate is deleted. */
export class Records<State> {
  readonly kind: RecordKind;
  readonly #byTenant = new Map<TenantId, Map<string, StoredRecord<State>>>();

  constructor(kind: RecordKind) {
    this.kind = kind;
  }

  find(tenant: TenantId, id: string): StoredRecord<State> | null {
    return this.#byTenant.get(tenant)?.get(id) ?? null;
  }

  of(tenant: TenantId): StoredRecord<State>[] {
    return [...(this.#byTenant.get(tenant)?.values() ?? [])];
  }

  *all(): IterableIterator<StoredRecord<State>> {
    for (const records of this.#byTenant.values()) yield* records.values();
  }

  /** Returns false for a state that is not newer than the one known. */
  put(record: StoredRecord<State>): boolean {
    let records = this.#byTenant.get(record.tenant);
    if (records === undefined) this.#byTenant.set(record.tenant, (records = new Map()));
    if (record.revision <= (records.get(record.id)?.revision ?? 0)) return false;
    records.set(record.id, record);
    return true;
  }
}

/** What the append of a record needs of the directory. */
export interface RecordDirectory {
  applyOwnRecord(kind: RecordKind, record: StoredRecord<unknown>): void;
  /** Resolves when everything that was in the stream at the time of the call is applied. */
  caughtUp(): Promise<void>;
}

export interface RecordContext {
  readonly directory: RecordDirectory;
  readonly streams: EventStreams;
  readonly names: Topology;
}

/** What happened and the state it made. */
export interface Step<Event, State> {
  readonly event: Event;
  readonly state: State;
}

/** How often a decision is taken anew because another replica was first. */
const MAX_TRIES = 5;

/**
 * Optimistic concurrency on one record: takes a decision on the state this process knows (`null` when there is none),
 * stores it if nobody else has written meanwhile, and decides again otherwise. `choose` returns `null` for no change.
 * @throws StoreUnavailable
 */
export async function appendRecord<Event, State, E>(
  { directory, streams, names }: RecordContext,
  records: Records<State>,
  tenant: TenantId,
  id: string,
  choose: (state: State | null) => Result<Step<Event, State> | null, E>,
): Promise<Result<StoredRecord<State> | null, E | { readonly kind: 'contended' }>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = records.find(tenant, id);
    const chosen = choose(current?.state ?? null);
    if (!chosen.ok) return chosen;
    if (chosen.value === null) return ok(current);
    const aggregate = { tenant, kind: records.kind, id };
    try {
      const message = encodeRecorded(aggregate, chosen.value, current?.revision ?? 0, names);
      const { sequence } = await streams.publish(message);
      const record = { tenant, id, state: chosen.value.state, revision: sequence };
      directory.applyOwnRecord(records.kind, record);
      return ok(record);
    } catch (error) {
      if (!(error instanceof WrongLastSequence)) throw error;
      await directory.caughtUp();
    }
  }
  return err({ kind: 'contended' });
}
