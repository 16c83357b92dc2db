import type { AggregateKind } from '@grapnel/contracts/topology';
import type { TenantId } from '@grapnel/domain/ids';
import { ok, type Result } from '@grapnel/domain/result';
import { type AppendContext, appendAggregate, type Memory, type Step } from './append-aggregate.ts';

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

  /** Unless there is something newer. */
  forget(tenant: TenantId, id: string, revision: number): void {
    const records = this.#byTenant.get(tenant);
    if (records?.get(id)?.revision !== revision) return;
    records.delete(id);
    if (records.size === 0) this.#byTenant.delete(tenant);
  }
}

/** What the append of a record needs of the directory. */
export interface RecordDirectory {
  applyOwnRecord(kind: RecordKind, record: StoredRecord<unknown>): void;
  /** Resolves when everything that was in the stream at the time of the call is applied. */
  caughtUp(): Promise<void>;
}

export interface RecordContext extends AppendContext {
  readonly directory: RecordDirectory;
}

/**
 * Stores what `choose` makes of a record's state (`null` when there is none); `choose` returns `null` for no change.
 * @throws StoreUnavailable
 */
export async function appendRecord<Event, State, E>(
  { directory, streams, names }: RecordContext,
  records: Records<State>,
  tenant: TenantId,
  id: string,
  choose: (state: State | null) => Result<Step<Event, State> | null, E>,
): Promise<Result<StoredRecord<State> | null, E | { readonly kind: 'contended' }>> {
  const { kind } = records;
  const memory: Memory<State | null> = {
    current: () => records.find(tenant, id) ?? { state: null, revision: 0 },
    apply: (state, revision) => directory.applyOwnRecord(kind, { tenant, id, state, revision }),
    caughtUp: () => directory.caughtUp(),
  };
  const done = await appendAggregate({ streams, names }, { tenant, kind, id }, memory, choose);
  if (!done.ok) return done;
  const { state, revision } = done.value;
  return ok(state === null ? null : { tenant, id, state, revision });
}

/** As {@link appendRecord}, for aggregates with a decider: `decide` says what happens, `evolve` what that makes. */
export function decideRecord<Event, State, E>(
  context: RecordContext,
  records: Records<State>,
  tenant: TenantId,
  id: string,
  decide: (state: State | null) => Result<Event | null, E>,
  evolve: (state: State | null, event: Event) => State,
): Promise<Result<StoredRecord<State> | null, E | { readonly kind: 'contended' }>> {
  return appendRecord<Event, State, E>(context, records, tenant, id, (state) => {
    const decided = decide(state);
    if (!decided.ok) return decided;
    return ok(decided.value === null ? null : { event: decided.value, state: evolve(state, decided.value) });
  });
}
