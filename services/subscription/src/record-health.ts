import { type Message, UnreadableMessage } from '@grapnel/contracts/message';
import { decodeOutcome } from '@grapnel/contracts/outcome-codec';
import { failureReason, finalResult, type Outcome } from '@grapnel/domain/delivery/outcome';
import type { TenantId, WebhookId } from '@grapnel/domain/ids';
import { ok } from '@grapnel/domain/result';
import { type FinalOutcome, recordHealth } from '@grapnel/domain/webhook/health';
import { Backoff } from '@grapnel/runtime/backoff';
import type { Clock } from '@grapnel/runtime/clock';
import type { Logger } from '@grapnel/runtime/logger';
import { batches } from '@grapnel/stream/batches';
import type { Checkpoints } from '@grapnel/stream/ports';
import { append, type CommandContext } from './command-webhook.ts';

export interface HealthContext extends CommandContext {
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly logger: Logger;
}

const CHECKPOINT = 'health';
/** How long a replica that lost the checkpoint to another leaves the work to it. */
const STAND_BY_MS = 5_000;

/**
 * OUTCOMES → consecutive failures and auto-disable, exact across restarts and replicas (AC-18). Outcomes are read in order
 * from a position of our own. Webhooks remember up to which outcome they have counted, and are written with optimistic
 * concurrency, so that counting a batch twice, here or in another replica, changes nothing; the checkpoint's revision
 * only keeps replicas from all doing the same work.
 */
export async function runHealth(context: HealthContext, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(context.clock);
  while (!signal.aborted) {
    try {
      await follow(context, signal);
      await context.clock.sleep(STAND_BY_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      context.logger.warn({ err: error }, 'recording health was interrupted; trying again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}

/** Returns when another replica is doing it. */
async function follow(context: HealthContext, signal: AbortSignal): Promise<void> {
  const { streams, names, checkpoints, clock } = context;
  const start = await checkpoints.load(CHECKPOINT);
  let revision = start?.revision ?? 0;
  const { lastSequence } = await streams.state(names.streams.outcomes);
  // A position beyond the stream belongs to one that is gone.
  const after = start !== null && start.value <= lastSequence ? start.value : 0;
  const left = new AbortController();
  const reading = AbortSignal.any([signal, left.signal]);
  const outcomes = streams.read(names.streams.outcomes, { after, signal: reading });
  for await (const batch of batches(outcomes, { maxSize: 500, maxWaitMs: 50, clock })) {
    let saved: number | null = null;
    try {
      await record(context, batch);
      saved = await checkpoints.save(CHECKPOINT, batch.at(-1)?.sequence ?? after, revision);
    } finally {
      // Before the loop is left: its end waits for the read that is pending.
      if (saved === null) left.abort();
    }
    if (saved === null) return;
    revision = saved;
  }
}

interface Ended {
  readonly tenant: TenantId;
  readonly outcomes: FinalOutcome[];
}

async function record(context: HealthContext, messages: readonly Message[]): Promise<void> {
  // An outcome may be of a webhook that another replica has just made.
  await context.webhooks.caughtUp();
  const ended = new Map<WebhookId, Ended>();
  for (const message of messages) {
    const outcome = readable(context, message);
    if (outcome === null) continue;
    const result = finalResult(outcome);
    if (result === null) continue;
    const { tenant, webhookId } = outcome.delivery;
    let webhook = ended.get(webhookId);
    if (webhook === undefined) ended.set(webhookId, (webhook = { tenant, outcomes: [] }));
    const reason = 'attempt' in outcome ? failureReason(outcome.attempt) : '';
    webhook.outcomes.push({ sequence: message.sequence, delivered: result === 'delivered', reason });
  }
  await Promise.all([...ended].map(([id, { tenant, outcomes }]) => recordOne(context, tenant, id, outcomes)));
}

async function recordOne(
  context: HealthContext,
  tenant: TenantId,
  id: WebhookId,
  outcomes: FinalOutcome[],
): Promise<void> {
  const now = context.clock.now();
  const done = await append(context, tenant, id, (state) =>
    ok(state.kind === 'present' ? recordHealth(state.webhook, outcomes, now) : null),
  );
  // The batch is read again: the checkpoint is not saved.
  if (!done.ok) throw new Error(`webhook ${id} is written by too many at once`);
}

function readable({ logger }: HealthContext, message: Message): Outcome | null {
  try {
    return decodeOutcome(message);
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error;
    logger.error({ err: error }, 'an unreadable outcome was passed over');
    return null;
  }
}
