import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { ok, type Result } from '@grapnel/domain/result';
import { decide, type Rejection, type WebhookCommand } from '@grapnel/domain/webhook/decide';
import { evolve } from '@grapnel/domain/webhook/evolve';
import { ABSENT, type WebhookEvent, type WebhookState } from '@grapnel/domain/webhook/webhook';
import type { EventStreams } from '@grapnel/stream/ports';
import { appendAggregate } from './append-aggregate.ts';
import type { Versioned, Webhooks } from './ports.ts';

export type CommandRejection = Rejection | { readonly kind: 'contended' };

export interface CommandContext {
  readonly webhooks: Webhooks;
  readonly streams: EventStreams;
  readonly names: Topology;
}

/**
 * Decides a tenant's command on a webhook and stores what happened. Another tenant's webhook is as good as none.
 * @throws StoreUnavailable
 */
export function commandWebhook(
  context: CommandContext,
  tenant: TenantId,
  id: WebhookId,
  command: WebhookCommand,
): Promise<Result<Versioned, CommandRejection>> {
  return append(context, tenant, id, (state) => {
    const decided = decide(state, command);
    return decided.ok ? ok(decided.value[0] ?? null) : decided;
  });
}

/** Stores what `choose` makes of the webhook's state; `choose` returns `null` when nothing happens. */
export async function append<E>(
  { webhooks, streams, names }: CommandContext,
  tenant: TenantId,
  id: WebhookId,
  choose: (state: WebhookState) => Result<WebhookEvent | null, E>,
): Promise<Result<Versioned, E | { readonly kind: 'contended' }>> {
  const memory = {
    current: () => webhooks.find(id),
    apply: (state: WebhookState, revision: number) => webhooks.applyOwn(id, state, revision),
    caughtUp: () => webhooks.caughtUp(),
  };
  return appendAggregate<WebhookEvent, WebhookState, E>(
    { streams, names },
    { tenant, kind: 'webhook', id },
    memory,
    (current) => {
      const state = tenantOf(current) === tenant ? current : ABSENT;
      const chosen = choose(state);
      if (!chosen.ok) return chosen;
      return ok(chosen.value === null ? null : { event: chosen.value, state: evolve(state, chosen.value) });
    },
  );
}

function tenantOf(state: WebhookState): TenantId | null {
  switch (state.kind) {
    case 'absent':
      return null;
    case 'present':
      return state.webhook.tenant;
    case 'deleted':
      return state.tenant;
  }
}
