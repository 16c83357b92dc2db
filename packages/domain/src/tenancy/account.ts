import { type NewSecret, rotatedSecrets } from '../webhook/secrets.ts';
import type { StoredSecret } from '../webhook/webhook.ts';

/** What belongs to a tenant as a whole: the secret that signs all of its job webhooks (FC-07). */
export interface Account {
  /** Newest first; never empty. */
  readonly secrets: readonly StoredSecret[];
  readonly secretCreatedAt: number;
}

export interface AccountEvent {
  readonly type: 'account_secret_made';
  readonly at: number;
}

export interface AccountStep {
  readonly event: AccountEvent;
  readonly state: Account;
}

/** The account after a new secret, the first one too. */
export function withNewSecret(account: Account | null, secret: NewSecret, at: number, overlapMs: number): AccountStep {
  const secrets = rotatedSecrets(account?.secrets ?? [], secret, at, overlapMs);
  return { event: { type: 'account_secret_made', at }, state: { secrets, secretCreatedAt: at } };
}

/** What account secrets are sealed for, so that they open nowhere else. */
export const accountOwner = (tenant: string): string => `account:${tenant}`;
