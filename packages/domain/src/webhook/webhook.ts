import type { TenantId, WebhookId } from '../ids.ts';
import type { WebhookConfig } from './config.ts';

/** A secret as stored: sealed under the key ring. */
export interface StoredSecret {
  readonly sealed: string;
  /** What receivers verify with, where the scheme is asymmetric. */
  readonly publicKey?: string;
  /** Milliseconds since the epoch; `null` for the newest, which does not expire. */
  readonly expiresAt: number | null;
}

/** `retired`: its job has ended; what is under way is still delivered. */
export type InactiveReason = 'deactivated' | 'auto_disabled' | 'retired';

export type Status =
  | { readonly kind: 'active' }
  | {
      readonly kind: 'inactive';
      readonly reason: InactiveReason;
      readonly since: number;
      readonly detail: string;
    };

/** How the endpoint has behaved, as far as auto-disabling needs it. */
export interface Health {
  readonly consecutiveFailures: number;
  /** Outcomes up to this position of the OUTCOMES stream are counted; makes redelivered outcomes harmless. */
  readonly coveredSequence: number;
}

/** One tenant's webhook, as its events have made it. */
export interface Webhook {
  readonly id: WebhookId;
  readonly tenant: TenantId;
  readonly config: WebhookConfig;
  /** Newest first; none where the account secret signs. */
  readonly secrets: readonly StoredSecret[];
  readonly status: Status;
  readonly health: Health;
  /** Deliveries waiting at this moment are skipped, even after a later activation (AC-18). */
  readonly lastAutoDisabledAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Everything that can happen to a webhook. Times are milliseconds since the epoch. */
export type WebhookEvent =
  | {
      readonly type: 'created';
      readonly at: number;
      readonly id: WebhookId;
      readonly tenant: TenantId;
      readonly config: WebhookConfig;
      readonly secret: StoredSecret | null;
    }
  | { readonly type: 'updated'; readonly at: number; readonly config: WebhookConfig }
  | { readonly type: 'activated'; readonly at: number }
  | { readonly type: 'deactivated'; readonly at: number }
  | { readonly type: 'retired'; readonly at: number }
  | { readonly type: 'secret_rotated'; readonly at: number; readonly secrets: readonly StoredSecret[] }
  /** `failing`: half of the failures that disable it have just been reached. */
  | { readonly type: 'health_recorded'; readonly at: number; readonly health: Health; readonly failing?: true }
  | { readonly type: 'auto_disabled'; readonly at: number; readonly health: Health; readonly detail: string }
  | { readonly type: 'deleted'; readonly at: number }
  /** The streams hold nothing of it any more. */
  | { readonly type: 'purged'; readonly at: number };

/** What is left of a webhook: nothing yet, the webhook, or that it was there. */
export type WebhookState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly webhook: Webhook }
  | {
      readonly kind: 'deleted';
      readonly id: WebhookId;
      readonly tenant: TenantId;
      readonly at: number;
      readonly purged: boolean;
    };

export const ABSENT: WebhookState = { kind: 'absent' };
