import type { TenantId } from '@grapnel/domain/ids';
import { DEFAULTS, type WebhookConfig } from '@grapnel/domain/webhook/config';
import type { Webhook } from '@grapnel/domain/webhook/webhook';

/** A tenant with half of all webhooks, none of which wants everything. */
export const LARGE: TenantId = 'large';
/** A tenant whose webhooks, a tenth of all, want everything. */
export const WIDE: TenantId = 'wide';

/** Webhooks as customers make them: by task, by tag, by family, by job, by condition, and for everything. */
export function webhookOf(n: number): Webhook {
  const { tenant = n % 2 === 0 ? LARGE : `small-${n % 997}`, ...config } = kindOf(n);
  return {
    id: `wh_${n.toString(16).padStart(26, '0')}`,
    tenant,
    config: {
      ...DEFAULTS,
      ...{ name: `webhook ${n}`, url: `https://customer-${n}.example/hooks/crawler` },
      ...config,
    },
    secrets: [{ sealed: `k1.${n.toString(16).padStart(96, '0')}`, expiresAt: null }],
    status: { kind: 'active' },
    health: { consecutiveFailures: 0, coveredSequence: 0 },
    ...{ lastAutoDisabledAt: null, createdAt: 1_732_000_000_000 + n, updatedAt: 1_732_000_000_000 + n },
  };
}

function kindOf(
  n: number,
): Pick<WebhookConfig, 'eventTypes'> & Partial<WebhookConfig> & { readonly tenant?: TenantId } {
  switch (n % 10) {
    case 4:
    case 5:
      return { eventTypes: ['scrape.*'], eventTags: [`tag-${n % 1_000}`] };
    case 6:
      return { eventTypes: ['map.completed', 'map.failed'], jobId: `job-${n}` };
    case 7:
      return { eventTypes: ['extract.completed'], condition: 'data.pages > 10' };
    case 8:
      return { eventTypes: ['batch_scrape.*'] };
    case 9:
      return { eventTypes: ['*'], tenant: WIDE };
    default:
      return { eventTypes: ['crawl.page', 'crawl.failed'], scope: 'specific', taskIds: [`task-${n}`] };
  }
}
