import type { Topology } from '@grapnel/contracts/topology';
import { type Entropy, newTriggerId, type TenantId, type TriggerId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type KeyRing, seal } from '@grapnel/domain/security/keyring';
import { checkPassword } from '@grapnel/domain/trigger/check-trigger';
import {
  decideTrigger,
  evolveTrigger,
  type TriggerCommand,
  type TriggerRejection,
} from '@grapnel/domain/trigger/decide';
import type { TriggerPolicy } from '@grapnel/domain/trigger/field-checks';
import { SCOPE_NAMES } from '@grapnel/domain/trigger/flow';
import {
  type BasicAuth,
  passwordOwner,
  TOKEN_BYTES,
  type Trigger,
  type TriggerChanges,
  type TriggerState,
} from '@grapnel/domain/trigger/trigger';
import { violation } from '@grapnel/domain/violation';
import { conditionProblem } from '@grapnel/expression/conditions';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import type { Directory } from './directory.ts';
import { decideRecord, type StoredRecord } from './records.ts';

export interface TriggerContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly keyRing: KeyRing;
  readonly policy: TriggerPolicy;
}

/** What this deployment allows; conditions of flows are CEL. */
export const triggerPolicy = (allowLocal: boolean): TriggerPolicy => ({
  allowLocal,
  conditionProblem: (expression) => conditionProblem(expression, SCOPE_NAMES),
});

/** Each is kept in memory by every edge. */
export const MAX_TRIGGERS_PER_TENANT = 1_000;

export type TriggerRefusal = TriggerRejection | { readonly kind: 'contended' } | { readonly kind: 'too_many' };

export interface VersionedTrigger {
  readonly trigger: Trigger;
  readonly revision: number;
}

/** What the caller says of the authentication: none, or a user with a new password or the one it has. */
export type GivenAuth = null | { readonly username: string; readonly password: string | null };

export interface GivenTrigger {
  readonly changes: Omit<TriggerChanges, 'auth'>;
  /** Absent: as it is. */
  readonly auth?: GivenAuth;
}

const recordsOf = (directory: Directory) => directory.records<TriggerState>('trigger');

/** The trigger, if it is there and the tenant's. */
export function findTrigger(directory: Directory, tenant: TenantId, id: string): VersionedTrigger | null {
  return present(recordsOf(directory).find(tenant, id));
}

/** Newest first; ids begin with the time of creation. */
export function triggersOf(directory: Directory, tenant: TenantId): VersionedTrigger[] {
  return recordsOf(directory)
    .of(tenant)
    .flatMap((record) => present(record) ?? [])
    .toSorted((a, b) => (a.trigger.id < b.trigger.id ? 1 : -1));
}

/** Makes a trigger with a URL of its own (NB-01). @throws StoreUnavailable */
export async function createTrigger(
  context: TriggerContext,
  tenant: TenantId,
  given: GivenTrigger,
  enabled: boolean,
): Promise<Result<VersionedTrigger, TriggerRefusal>> {
  const { directory, clock, entropy, policy } = context;
  if (triggersOf(directory, tenant).length >= MAX_TRIGGERS_PER_TENANT) return err({ kind: 'too_many' });
  const at = clock.now();
  const id = newTriggerId(at, entropy);
  const sealed = sealedChanges(context, id, given, null);
  if (!sealed.ok) return sealed;
  const command = { type: 'create', at, id, tenant, token: newToken(entropy), enabled, policy } as const;
  return commandTrigger(context, tenant, id, () => ok({ ...command, changes: sealed.value }));
}

/** @throws StoreUnavailable */
export function updateTrigger(
  context: TriggerContext,
  tenant: TenantId,
  id: TriggerId,
  given: GivenTrigger,
): Promise<Result<VersionedTrigger, TriggerRefusal>> {
  const { clock, policy } = context;
  return commandTrigger(context, tenant, id, (state) => {
    const current = state?.kind === 'present' ? state.trigger.config.auth : null;
    const sealed = sealedChanges(context, id, given, current);
    return sealed.ok ? ok({ type: 'update', at: clock.now(), changes: sealed.value, policy }) : sealed;
  });
}

export const newToken = (entropy: Entropy): string => Buffer.from(entropy(TOKEN_BYTES)).toString('base64url');

/** Decides on the newest state and stores what follows. @throws StoreUnavailable */
export async function commandTrigger(
  context: TriggerContext,
  tenant: TenantId,
  id: TriggerId,
  command: (state: TriggerState | null) => Result<TriggerCommand, TriggerRejection>,
): Promise<Result<VersionedTrigger, TriggerRefusal>> {
  const stored = await decideRecord(
    context,
    recordsOf(context.directory),
    tenant,
    id,
    (state) => {
      const chosen = command(state);
      return chosen.ok ? decideTrigger(state, chosen.value) : chosen;
    },
    evolveTrigger,
  );
  if (!stored.ok) return stored;
  const found = present(stored.value);
  return found === null ? err({ kind: 'not_found' }) : ok(found);
}

function present(record: StoredRecord<TriggerState> | null): VersionedTrigger | null {
  return record?.state.kind === 'present' ? { trigger: record.state.trigger, revision: record.revision } : null;
}

function sealedChanges(
  { keyRing, entropy }: TriggerContext,
  id: TriggerId,
  { changes, auth }: GivenTrigger,
  current: BasicAuth | null,
): Result<TriggerChanges, TriggerRejection> {
  if (auth === undefined) return ok(changes);
  if (auth === null) return ok({ ...changes, auth: null });
  const { username, password } = auth;
  if (password === null) {
    if (current !== null) return ok({ ...changes, auth: { username, sealedPassword: current.sealedPassword } });
    const missing = violation('basic_auth.password', 'REQUIRED', 'is required: the trigger has no password yet');
    return err({ kind: 'invalid', violations: [missing] });
  }
  const violations = checkPassword(password, 'basic_auth.password');
  if (violations.length > 0) return err({ kind: 'invalid', violations });
  const sealedPassword = seal(keyRing, passwordOwner(id), password, entropy);
  return ok({ ...changes, auth: { username, sealedPassword } });
}
