import type { TenantId, WebhookId } from '../ids.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import type { UrlPolicy } from '../security/endpoint-url.ts';
import type { Violation } from '../violation.ts';
import { checkConfig } from './check-config.ts';
import { DEFAULTS, LIMITS, type WebhookChanges, type WebhookConfig } from './config.ts';
import type { StoredSecret, Webhook, WebhookEvent, WebhookState } from './webhook.ts';

/** What a tenant can ask of a webhook; time and secrets arrive as data. */
export type WebhookCommand =
  | {
      readonly type: 'create';
      readonly at: number;
      readonly id: WebhookId;
      readonly tenant: TenantId;
      readonly changes: WebhookChanges;
      readonly sealedSecret: string;
      readonly policy: UrlPolicy;
    }
  | { readonly type: 'update'; readonly at: number; readonly changes: WebhookChanges; readonly policy: UrlPolicy }
  | { readonly type: 'activate'; readonly at: number }
  | { readonly type: 'deactivate'; readonly at: number }
  | { readonly type: 'rotate_secret'; readonly at: number; readonly sealedSecret: string; readonly overlapMs: number }
  | { readonly type: 'delete'; readonly at: number };

export type Rejection =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/** How many secrets may sign at once: rotating faster than this retires the oldest. */
const MAX_SECRETS = 5;

/** What happens when `command` meets `state`: events, none when nothing changes, or why it is refused. */
export function decide(state: WebhookState, command: WebhookCommand): Result<WebhookEvent[], Rejection> {
  if (command.type === 'create') {
    const config = completed(command.changes);
    // All fields are checked, given or not: what has no default must be given.
    const violations = checkConfig(config, config, command.policy);
    if (violations.length > 0) return err({ kind: 'invalid', violations });
    const secret = { sealed: command.sealedSecret, expiresAt: null };
    return ok([{ type: 'created', at: command.at, id: command.id, tenant: command.tenant, config, secret }]);
  }
  if (state.kind !== 'present') return err({ kind: 'not_found' });
  const { webhook } = state;
  switch (command.type) {
    case 'update': {
      const config = { ...webhook.config, ...command.changes };
      const violations = checkConfig(config, command.changes, command.policy);
      if (violations.length > 0) return err({ kind: 'invalid', violations });
      return ok([{ type: 'updated', at: command.at, config }]);
    }
    case 'activate':
      return ok(isFreshlyActive(webhook) ? [] : [{ type: 'activated', at: command.at }]);
    case 'deactivate':
      return ok(isDeactivated(webhook) ? [] : [{ type: 'deactivated', at: command.at }]);
    case 'rotate_secret': {
      const { min, max } = LIMITS.rotationOverlapSeconds;
      if (!(command.overlapMs >= min * 1_000 && command.overlapMs <= max * 1_000)) {
        const message = `must be a whole number of seconds from ${min} to ${max}`;
        return err({ kind: 'invalid', violations: [{ field: 'overlap_seconds', code: 'INVALID_VALUE', message }] });
      }
      return ok([{ type: 'secret_rotated', at: command.at, secrets: rotated(webhook, command) }]);
    }
    case 'delete':
      return ok([{ type: 'deleted', at: command.at }]);
    default:
      return unreachable(command);
  }
}

function completed(changes: WebhookChanges): WebhookConfig {
  return { ...DEFAULTS, name: '', url: '', eventTypes: [], ...changes };
}

const isFreshlyActive = (webhook: Webhook): boolean =>
  webhook.status.kind === 'active' && webhook.health.consecutiveFailures === 0;

const isDeactivated = (webhook: Webhook): boolean =>
  webhook.status.kind === 'inactive' && webhook.status.reason === 'deactivated';

function rotated(webhook: Webhook, command: WebhookCommand & { type: 'rotate_secret' }): StoredSecret[] {
  const until = command.at + command.overlapMs;
  const older = webhook.secrets
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? until, until) }))
    .filter((secret) => secret.expiresAt > command.at);
  return [{ sealed: command.sealedSecret, expiresAt: null }, ...older].slice(0, MAX_SECRETS);
}
