import { decodeDelivery } from '@grapnel/contracts/delivery-codec';
import { TRACEPARENT, UnreadableMessage } from '@grapnel/contracts/message';
import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { causeOf, decodeRetryEntry } from '@grapnel/contracts/retry-codec';
import { FIRST_TURN } from '@grapnel/domain/delivery/delivery';
import { waitsForEndpoint } from '@grapnel/domain/delivery/retry-entry';
import type { Logger } from '@grapnel/runtime/logger';
import type { Received } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import type { InFlight } from './turn/in-flight.ts';
import { type TurnContext, type TurnEnd, takeTurn } from './turn/take-turn.ts';
import type { TurnKind, WorkInProgress } from './turn/work-in-progress.ts';

export interface WorkContext extends TurnContext {
  readonly inFlight: InFlight;
  readonly workInProgress: WorkInProgress;
  readonly logger: Logger;
}

/** Until the directory has caught up; rare and short, which is what a delayed nak is good for. */
const AGAIN_SOON_MS = 250;
/** A bug, or an outage that publishing again did not outlast. */
const AFTER_FAILURE_MS = 2_000;

/** What becomes of one message; `owned` aborts when its partition is given up. Resolves when the next may come. */
type Work = (message: Received, context: WorkContext, owned: AbortSignal) => Promise<void>;

/** DELIVERIES: the first attempt, body and all in the message. */
export const firstAttempt: Work = (message, context, owned) =>
  settle('first', message, context, owned, () =>
    takeTurn(
      {
        delivery: decodeDelivery(message),
        turn: FIRST_TURN,
        body: message.body,
        traceparent: message.header(TRACEPARENT) ?? null,
        firstAttempt: null,
        cause: causeOf(message, context.names),
        returning: false,
        sentAwayAt: null,
        redelivered: message.redelivered,
      },
      context,
    ),
  );

/** RETRIES, due: the body is fetched from where it was frozen. */
export const dueRetry: Work = (message, context, owned) =>
  settle('due', message, context, owned, () => retry(message, context, message.redelivered));

/**
 * RETRIES, bulk: as a due retry. Whoever asks for many asks for a page of them again after a crash, which is another
 * message for a turn that may be over, so every one is looked at like a redelivered one.
 */
export const bulkReplay: Work = (message, context, owned) =>
  settle('bulk', message, context, owned, () => retry(message, context, true));

async function retry(message: Received, context: WorkContext, redelivered: boolean): Promise<TurnEnd> {
  const { delivery, turn, traceparent, reason, sentAwayAt } = decodeRetryEntry(message);
  const stored = await context.streams.get(context.names.streams.deliveries, delivery.sequence);
  if (stored === null) return expired(message, context);
  return takeTurn(
    {
      delivery,
      turn,
      body: stored.body,
      traceparent: stored.header(TRACEPARENT) ?? null,
      firstAttempt: traceparent,
      cause: causeOf(message, context.names),
      returning: waitsForEndpoint(reason),
      sentAwayAt: sentAwayAt ?? null,
      redelivered,
    },
    context,
  );
}

/** The body has aged out of the stream, or went with its webhook; only the former is worth an outcome. */
async function expired(message: Received, context: WorkContext): Promise<TurnEnd> {
  const { delivery, turn } = decodeRetryEntry(message);
  const endpoint = context.endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (endpoint === 'behind') return 'again_soon';
  if (endpoint === 'gone') return 'done';
  const { streams, names, clock, signal } = context;
  const outcome = { kind: 'skipped', delivery, turn, reason: 'message_expired', at: clock.now() } as const;
  await publishUntilStored(streams, encodeOutcome(outcome, names), clock, signal);
  return 'done';
}

function settle(
  kind: TurnKind,
  message: Received,
  context: WorkContext,
  owned: AbortSignal,
  work: () => Promise<TurnEnd>,
): Promise<void> {
  const place = context.inFlight.enter(message);
  const turn = async (): Promise<void> => {
    // Not begun when its partition was given up: whoever has it now is quicker.
    if (owned.aborted) message.nak();
    else await end(message, context, work);
  };
  void context.workInProgress.run(kind, turn).finally(() => place.leave());
  return place.free;
}

/** The one place that decides what becomes of a message. */
async function end(message: Received, context: WorkContext, work: () => Promise<TurnEnd>): Promise<void> {
  try {
    const turnEnd = await work();
    if (turnEnd === 'done') message.ack();
    else message.nak(AGAIN_SOON_MS);
  } catch (error) {
    if (error instanceof UnreadableMessage) {
      context.logger.error({ err: error }, 'an unreadable message was dropped');
      message.term('unreadable');
    } else if (context.signal.aborted) {
      message.nak();
    } else {
      context.logger.error({ err: error, stream: message.stream, sequence: message.sequence }, 'a turn failed');
      message.nak(AFTER_FAILURE_MS);
    }
  }
}
