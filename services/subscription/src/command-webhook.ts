import { encodeRecorded } from '@grapnel/contracts/aggregate-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { decide, type Rejection, type WebhookCommand } from '@grapnel/domain/webhook/decide';
import { evolve } from '@grapnel/domain/webhook/evolve';
import { ABSENT, type WebhookEvent, type WebhookState } from '@grapnel/domain/webhook/webhook';
import { type EventStreams, WrongLastSequence } from '@grapnel/stream/ports';
import type { Versioned, Webhooks } from './ports.ts';

export type CommandRejection = Rejection | { readonly kind: 'contended' };

export interface CommandContext {
  readonly webhooks: Webhooks;
  readonly streams: EventStreams;
  readonly names: Topology;
}

/** How often a decision is taken anew because another replica was first. */
const MAX_TRIES = 5;

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

/**
 * Optimistic concurrency: takes a decision on the state this process knows, stores it if nobody else has written
 * meanwhile, and decides again otherwise. `choose` returns `null` when nothing happens.
 */
export async function append<E>(
  { webhooks, streams, names }: CommandContext,
  tenant: TenantId,
  id: WebhookId,
  choose: (state: WebhookState) => Result<WebhookEvent | null, E>,
): Promise<Result<Versioned, E | { readonly kind: 'contended' }>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = webhooks.find(id);
    const state = tenantOf(current.state) === tenant ? current.state : ABSENT;
    const chosen = choose(state);
    if (!chosen.ok) return chosen;
    if (chosen.value === null) return ok(current);
    const next = evolve(state, chosen.value);
    const recorded = { event: chosen.value, state: next };
    try {
      const message = encodeRecorded({ tenant, kind: 'webhook', id }, recorded, current.revision, names);
      const { sequence } = await streams.publish(message);
      webhooks.applyOwn(id, next, sequence);
      return ok({ state: next, revision: sequence });
    } catch (error) {
      if (!(error instanceof WrongLastSequence)) throw error;
      await webhooks.caughtUp();
    }
  }
  return err({ kind: 'contended' });
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
