import type { Topology } from '@grapnel/contracts/topology';
import type { Entropy, TenantId } from '@grapnel/domain/ids';
import { ok, type Result } from '@grapnel/domain/result';
import { type KeyRing, seal } from '@grapnel/domain/security/keyring';
import { newHexSecret } from '@grapnel/domain/security/signature';
import { type Account, type AccountEvent, accountOwner, withNewSecret } from '@grapnel/domain/tenancy/account';
import type { Clock } from '@grapnel/runtime/clock';
import type { EventStreams } from '@grapnel/stream/ports';
import type { Directory } from './directory.ts';
import { appendRecord } from './records.ts';

export interface AccountContext {
  readonly directory: Directory;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly keyRing: KeyRing;
}

/** A tenant has one account; its record bears the tenant's name. */
export const accountOf = (directory: Directory, tenant: TenantId): Account | null =>
  directory.records<Account>('account').find(tenant, tenant)?.state ?? null;

/**
 * Makes the account's secret if it has none; `null` when it had one, which is shown to nobody again.
 * @throws StoreUnavailable
 */
export async function ensureAccountSecret(
  context: AccountContext,
  tenant: TenantId,
): Promise<Result<string | null, { readonly kind: 'contended' }>> {
  return newSecret(context, tenant, 0, (account) => account === null);
}

/** @throws StoreUnavailable */
export async function rotateAccountSecret(
  context: AccountContext,
  tenant: TenantId,
  overlapMs: number,
): Promise<Result<string | null, { readonly kind: 'contended' }>> {
  return newSecret(context, tenant, overlapMs, () => true);
}

async function newSecret(
  context: AccountContext,
  tenant: TenantId,
  overlapMs: number,
  wanted: (account: Account | null) => boolean,
): Promise<Result<string | null, { readonly kind: 'contended' }>> {
  const { directory, clock, entropy, keyRing } = context;
  const secret = newHexSecret(entropy);
  const sealed = seal(keyRing, accountOwner(tenant), secret, entropy);
  let made = false;
  const accounts = directory.records<Account>('account');
  const stored = await appendRecord<AccountEvent, Account, never>(context, accounts, tenant, tenant, (account) => {
    made = wanted(account);
    return ok(made ? withNewSecret(account, { sealed }, clock.now(), overlapMs) : null);
  });
  return stored.ok ? ok(made ? secret : null) : stored;
}
