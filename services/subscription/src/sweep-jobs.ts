import type { WebhookId } from '@grapnel/domain/ids';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { type CommandContext, commandWebhook } from './command-webhook.ts';
import type { Directory } from './directory.ts';

export interface SweepJobsContext extends CommandContext {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a job may take, and how long its webhook is kept after it, for its history. */
  readonly keepMs: number;
}

const SWEEP_MS = 600_000;

/**
 * Ends the webhooks of jobs, until `signal` aborts: a job that never said that it ended is taken as ended after a while, and
 * a webhook that is retired goes with its history. Without this every job would leave one behind.
 */
export async function sweepJobs(context: SweepJobsContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const [id, { state }] of context.directory.all()) {
      if (signal.aborted) return;
      const due = state.kind === 'present' ? dueCommand(state.webhook, context.clock.now() - context.keepMs) : null;
      if (due === null || state.kind !== 'present') continue;
      await end(context, state.webhook, id, due);
    }
    await context.clock.sleep(SWEEP_MS, signal).catch(() => {});
  }
}

/** What becomes of a job's webhook that nothing has happened to since `before`; `null` for all others. */
export function dueCommand(webhook: Webhook, before: number): 'retire' | 'delete' | null {
  const { config, status, updatedAt } = webhook;
  if (config.jobId === null || updatedAt > before) return null;
  return status.kind === 'active' ? 'retire' : 'delete';
}

async function end(
  context: SweepJobsContext,
  { tenant }: Webhook,
  id: WebhookId,
  type: 'retire' | 'delete',
): Promise<void> {
  try {
    await commandWebhook(context, tenant, id, { type, at: context.clock.now() });
  } catch (error) {
    context.logger.warn({ err: error, webhook: id }, 'the webhook of a job could not be ended; trying again later');
  }
}
