import { failureReason, finalResult } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { profileOf } from '@grapnel/domain/profiles/registry';
import { ok } from '@grapnel/domain/result';
import { type FinalOutcome, recordHealth } from '@grapnel/domain/webhook/health';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import { append, type CommandContext } from './command-webhook.ts';
import type { Part } from './follow-stream.ts';
import type { OutcomeFact } from './outcome-facts.ts';

export interface HealthContext extends CommandContext {
  readonly clock: Clock;
}

/**
 * OUTCOMES → consecutive failures and auto-disable, exact across restarts and replicas (AC-18). Webhooks remember up to
 * which outcome they have counted, and are written with optimistic concurrency, so that counting a batch twice, here or in
 * another replica, changes nothing.
 */
export function healthPart(context: HealthContext): Part<OutcomeFact> {
  return { name: 'health', beginning: 'oldest', handle: (batch) => record(context, batch) };
}

interface Ended {
  readonly tenant: TenantId;
  readonly outcomes: FinalOutcome[];
}

async function record(context: HealthContext, facts: readonly OutcomeFact[]): Promise<void> {
  // An outcome may be of a webhook that another replica has just made.
  await context.webhooks.caughtUp();
  const ended = new Map<WebhookId, Ended>();
  for (const fact of facts) {
    const final = finalOf(fact);
    if (final === null) continue;
    const { tenant, webhookId } = fact.kind === 'delivered' ? fact : fact.outcome.delivery;
    let webhook = ended.get(webhookId);
    if (webhook === undefined) ended.set(webhookId, (webhook = { tenant, outcomes: [] }));
    webhook.outcomes.push(final);
  }
  await Promise.all([...ended].map(([id, { tenant, outcomes }]) => recordOne(context, tenant, id, outcomes)));
}

function finalOf(fact: OutcomeFact): FinalOutcome | null {
  const { sequence } = fact;
  if (fact.kind === 'delivered') return { sequence, delivered: true, reason: '', gone: false };
  const { outcome } = fact;
  const result = finalResult(outcome);
  if (result === null) return null;
  const reason = 'attempt' in outcome ? failureReason(outcome.attempt) : '';
  const gone = 'attempt' in outcome && outcome.attempt.response?.status === 410;
  return { sequence, delivered: result === 'delivered', reason, gone };
}

async function recordOne(
  context: HealthContext,
  tenant: TenantId,
  id: WebhookId,
  outcomes: FinalOutcome[],
): Promise<void> {
  const now = context.clock.now();
  const done = await append(context, tenant, id, (state) =>
    ok(state.kind === 'present' ? recordHealth(state.webhook, takenAsGone(state.webhook, outcomes), now) : null),
  );
  // The batch is read again: the checkpoint is not saved.
  if (!done.ok) throw new Error(`webhook ${id} is written by too many at once`);
}

/** Only some profiles take 410 as the end; to the others it is a failure like any. */
function takenAsGone({ config }: Webhook, outcomes: FinalOutcome[]): FinalOutcome[] {
  return profileOf(config.profile).goneDisables ? outcomes : outcomes.map((each) => ({ ...each, gone: false }));
}
