import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { profileOf } from '@grapnel/domain/profiles/registry';
import { err, ok, type Result } from '@grapnel/domain/result';
import type { Violation } from '@grapnel/domain/violation';
import type { ConfigPolicy } from '@grapnel/domain/webhook/check-config';
import { DEFAULTS, type WebhookChanges } from '@grapnel/domain/webhook/config';
import { decide, type WebhookCommand } from '@grapnel/domain/webhook/decide';
import { ABSENT, type Webhook } from '@grapnel/domain/webhook/webhook';
import { type AccountContext, ensureAccountSecret } from './account.ts';
import { type CommandRejection, commandWebhook } from './command-webhook.ts';
import { checkEndpointName, type Resolve } from './endpoint-names.ts';
import { newWebhookSecret } from './webhook-secret.ts';

export interface CreateContext extends AccountContext {
  readonly policy: ConfigPolicy;
  readonly resolve: Resolve;
}

export interface CreatedWebhook {
  readonly webhook: Webhook;
  readonly revision: number;
  /** Shown once; `null` when the account's secret signs and was there before. */
  readonly secret: string | null;
}

/**
 * Makes a webhook, and the account's secret where that signs and there is none yet: a webhook must never be without one.
 * @throws StoreUnavailable
 */
export async function createWebhook(
  context: CreateContext,
  tenant: TenantId,
  id: WebhookId,
  changes: WebhookChanges,
): Promise<Result<CreatedWebhook, CommandRejection>> {
  const { directory, clock, keyRing, entropy, policy } = context;
  const violations = await nameViolations(context, changes);
  const kind = profileOf(changes.profile ?? DEFAULTS.profile).secrets;
  const scheme = changes.signatureScheme ?? DEFAULTS.signatureScheme;
  const own = kind === 'account' ? null : newWebhookSecret(kind, scheme, id, keyRing, entropy);
  const secret = own?.stored ?? null;
  const command = { type: 'create', at: clock.now(), id, tenant, changes, secret, policy, violations } as const;
  // First: once it is stored it has deliveries, and a crash in between must not leave it unsigned.
  const account = own === null ? await accountSecretFor(context, tenant, command) : null;
  if (account?.ok === false) return account;
  const created = await commandWebhook({ ...context, webhooks: directory }, tenant, id, command);
  if (!created.ok) return created;
  const { state, revision } = created.value;
  if (state.kind !== 'present') return err({ kind: 'not_found' });
  return ok({ webhook: state.webhook, revision, secret: own?.plain ?? account?.value ?? null });
}

/** Not for a webhook that is refused: the secret would be made and shown to nobody. */
async function accountSecretFor(
  context: CreateContext,
  tenant: TenantId,
  command: WebhookCommand,
): Promise<Result<string | null, CommandRejection>> {
  const decided = decide(ABSENT, command);
  return decided.ok ? ensureAccountSecret(context, tenant) : decided;
}

/** What the decision cannot see by itself: where the endpoint's name points. */
export async function nameViolations(
  { policy, resolve, clock }: Pick<CreateContext, 'policy' | 'resolve' | 'clock'>,
  { url }: WebhookChanges,
): Promise<Violation[]> {
  return url === undefined || policy.allowLocal ? [] : checkEndpointName(url, resolve, clock);
}
