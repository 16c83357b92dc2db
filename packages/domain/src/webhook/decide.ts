import type { TenantId, WebhookId } from '../ids.ts';
import { expandEventTypes } from '../profiles/event-types.ts';
import { profileOf } from '../profiles/registry.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import { unmaskedUrl } from '../security/endpoint-url.ts';
import type { Violation } from '../violation.ts';
import { type ConfigPolicy, checkConfig } from './check-config.ts';
import { DEFAULTS, FIXED_AT_CREATION, type WebhookChanges, type WebhookConfig } from './config.ts';
import { asksAgain, type JobClaim } from './job-claim.ts';
import { type NewSecret, overlapViolation, rotatedSecrets } from './secrets.ts';
import type { Webhook, WebhookEvent, WebhookState } from './webhook.ts';

/** What a tenant can ask of a webhook; time and secrets arrive as data. */
export type WebhookCommand =
  | {
      readonly type: 'create';
      readonly at: number;
      readonly id: WebhookId;
      readonly tenant: TenantId;
      readonly changes: WebhookChanges;
      /** `null` where the tenant's account secret signs (FC-07). */
      readonly secret: NewSecret | null;
      readonly policy: ConfigPolicy;
      /** Found by looking at the world, e.g. where a name points. */
      readonly violations: readonly Violation[];
    }
  | {
      readonly type: 'update';
      readonly at: number;
      readonly changes: WebhookChanges;
      readonly policy: ConfigPolicy;
      readonly violations: readonly Violation[];
    }
  | { readonly type: 'activate'; readonly at: number }
  | { readonly type: 'deactivate'; readonly at: number }
  | { readonly type: 'rotate_secret'; readonly at: number; readonly secret: NewSecret; readonly overlapMs: number }
  /** The job it belongs to has come to its end (FC-06). */
  | { readonly type: 'retire'; readonly at: number }
  | { readonly type: 'delete'; readonly at: number };

export type Rejection =
  | JobClaim
  | { readonly kind: 'not_found' }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/** What happens when `command` meets `state`: events, none when nothing changes, or why it is refused. */
export function decide(state: WebhookState, command: WebhookCommand): Result<WebhookEvent[], Rejection> {
  if (command.type === 'create') {
    const config = completed(command.changes);
    // All fields are checked, given or not: what has no default must be given.
    const violations = [...checkConfig(config, config, command.policy), ...command.violations];
    if (violations.length > 0) return err({ kind: 'invalid', violations });
    // Ids that follow from what is asked for meet what was made before, or at the same time.
    const again = asksAgain(state, config);
    if (!again.ok) return again;
    if (again.value) return ok([]);
    const secret = command.secret === null ? null : { ...command.secret, expiresAt: null };
    return ok([{ type: 'created', at: command.at, id: command.id, tenant: command.tenant, config, secret }]);
  }
  if (state.kind !== 'present') return err({ kind: 'not_found' });
  const { webhook } = state;
  switch (command.type) {
    case 'update': {
      const changed = { ...webhook.config, ...command.changes, ...keptPassword(webhook, command.changes) };
      const config = withExpandedTypes(withSchedule(changed, command.changes));
      const violations = [
        ...fixedViolations(webhook.config, command.changes),
        ...checkConfig(config, command.changes, command.policy),
        ...command.violations,
      ];
      if (violations.length > 0) return err({ kind: 'invalid', violations });
      return ok([{ type: 'updated', at: command.at, config }]);
    }
    case 'activate':
      return ok(isFreshlyActive(webhook) ? [] : [{ type: 'activated', at: command.at }]);
    case 'retire':
      return ok(webhook.status.kind === 'active' ? [{ type: 'retired', at: command.at }] : []);
    case 'deactivate':
      return ok(isDeactivated(webhook) ? [] : [{ type: 'deactivated', at: command.at }]);
    case 'rotate_secret': {
      const wrong = overlapViolation(command.overlapMs);
      if (wrong !== null) return err({ kind: 'invalid', violations: [wrong] });
      if (webhook.secrets.length === 0) {
        const message = 'this webhook is signed with the account secret, which is rotated by itself';
        return err({ kind: 'invalid', violations: [{ field: 'webhook_id', code: 'INVALID_VALUE', message }] });
      }
      return ok([
        {
          type: 'secret_rotated',
          at: command.at,
          secrets: rotatedSecrets(webhook.secrets, command.secret, command.at, command.overlapMs),
        },
      ]);
    }
    case 'delete':
      return ok([{ type: 'deleted', at: command.at }]);
    default:
      return unreachable(command);
  }
}

function completed(changes: WebhookChanges): WebhookConfig {
  const { defaults } = profileOf(changes.profile ?? DEFAULTS.profile);
  const config = { ...DEFAULTS, ...defaults, name: '', url: '', eventTypes: [], ...changes };
  return withExpandedTypes(withSchedule(config, changes));
}

/** `null` stands for the profile's schedule. A schedule says itself how many retries there are, unless that is said too. */
function withSchedule(config: WebhookConfig, given: WebhookChanges): WebhookConfig {
  if (given.retryDelaysSeconds === undefined) return config;
  const retryDelaysSeconds = given.retryDelaysSeconds ?? profileOf(config.profile).defaults.retryDelaysSeconds;
  const maxRetries = given.maxRetries ?? retryDelaysSeconds?.length ?? config.maxRetries;
  return { ...config, retryDelaysSeconds, maxRetries };
}

const withExpandedTypes = (config: WebhookConfig): WebhookConfig => ({
  ...config,
  eventTypes: expandEventTypes(profileOf(config.profile), config.eventTypes),
});

const FIELD_NAMES = { profile: 'profile', jobId: 'job_id', signatureScheme: 'signature_scheme' } as const;

function fixedViolations(config: WebhookConfig, changes: WebhookChanges): Violation[] {
  return FIXED_AT_CREATION.filter((field) => field in changes && changes[field] !== config[field]).map((field) => ({
    field: FIELD_NAMES[field],
    code: 'INVALID_VALUE',
    message: 'is decided when the webhook is made and cannot be changed',
  }));
}

const keptPassword = ({ config }: Webhook, { url }: WebhookChanges): Pick<WebhookChanges, 'url'> =>
  url === undefined ? {} : { url: unmaskedUrl(url, config.url) };

const isFreshlyActive = (webhook: Webhook): boolean =>
  webhook.status.kind === 'active' && webhook.health.consecutiveFailures === 0;

const isDeactivated = (webhook: Webhook): boolean =>
  webhook.status.kind === 'inactive' && webhook.status.reason === 'deactivated';
