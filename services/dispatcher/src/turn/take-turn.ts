import { encodeOutcome } from '@grapnel/contracts/outcome-codec';
import { type Cause, encodeLaneEntry } from '@grapnel/contracts/retry-codec';
import type { Topology } from '@grapnel/contracts/topology';
import type { StoredDelivery, Turn } from '@grapnel/domain/delivery/delivery';
import type { Attempt, Outcome } from '@grapnel/domain/delivery/outcome';
import type { RetryEntry, WaitReason } from '@grapnel/domain/delivery/retry-entry';
import { unreachable } from '@grapnel/domain/result';
import { postponedMs, retryDelayMs, spreadMs } from '@grapnel/domain/retry';
import type { Clock } from '@grapnel/runtime/clock';
import { formatTraceparent } from '@grapnel/runtime/tracing';
import type { EventStreams } from '@grapnel/stream/ports';
import { publishUntilStored } from '@grapnel/stream/until-stored';
import { requestHeaders, shownHeaders } from '../attempt/request-headers.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Permit } from '../endpoint/gate.ts';
import type { Gates } from '../endpoint/gates.ts';
import type { JobOrder } from '../order/job-order.ts';
import type { KeyOrder } from '../order/key-order.ts';
import type { AttemptResult, AttemptSender, Endpoints } from '../ports.ts';
import { feedbackOf } from './feedback.ts';
import type { LateEntries } from './late-entries.ts';
import { countAttempt, startAttemptSpan } from './observe-attempt.ts';
import { isTooOld, skipReason } from './skip-rule.ts';
import { type TurnKey, type Turns, turnKeyOf } from './turns.ts';

export interface TurnContext {
  readonly endpoints: Endpoints;
  readonly gates: Gates;
  readonly sender: AttemptSender;
  readonly turns: Turns<TurnEnd>;
  readonly jobOrder: JobOrder;
  readonly keyOrder: KeyOrder;
  readonly late: LateEntries;
  readonly streams: EventStreams;
  readonly names: Topology;
  readonly clock: Clock;
  /** Divides every wait. */
  readonly timeScale: number;
  readonly signal: AbortSignal;
}

/** How long the end of a job waits before it looks again whether the rest has been tried. */
const LOOK_AGAIN_MS = 1_000;

/** Until an endpoint that this process cannot use is mended, or another version or key ring is rolled out, or it is known of. */
const UNUSABLE_MS = 15_000;

/** News of a webhook come within milliseconds; the service that tells of it may be away for longer. */
const BEHIND_MS = 5_000;

/** One turn of a delivery: who, which, with what. */
export interface TurnRequest {
  readonly delivery: StoredDelivery;
  readonly turn: Turn;
  readonly body: Uint8Array;
  /** Trace context that the delivery was made under. */
  readonly traceparent: string | null;
  /** Trace context of the first attempt, for the links of later ones. */
  readonly firstAttempt: string | null;
  /** The message that asked for the turn. */
  readonly cause: Cause;
  /** Was sent away from the endpoint's gate before. */
  readonly returning: boolean;
  /** When it was put into the lanes; `null` where it was not, or its turn was called. */
  readonly sentAwayAt: number | null;
  /** Delivered before: perhaps this turn is over already. */
  readonly redelivered: boolean;
}

/** What the message that asked for the turn deserves: it is over, or it should come again at once. */
export type TurnEnd = 'done' | 'again_soon';

/**
 * Takes one turn of a delivery: checks, sends, classifies, and stores what came of it. “Done” is said only after the
 * outcome, and the entry for the next turn, are stored; a crash before that repeats the turn, and their ids make the
 * repeat of both harmless.
 */
export function takeTurn(request: TurnRequest, context: TurnContext): Promise<TurnEnd> {
  const key = turnKeyOf(request.delivery, request.turn);
  return context.turns.once(key, request.delivery.sequence, () => take(request, key, context));
}

async function take(request: TurnRequest, key: TurnKey, context: TurnContext): Promise<TurnEnd> {
  const { delivery, turn } = request;
  const endpoint = context.endpoints.find(delivery.webhookId, delivery.webhookRevision);
  const now = context.clock.now();
  if (endpoint === 'behind' && now - delivery.createdAt < BEHIND_MS) return 'again_soon';
  // In a lane: what is given back would fill its partition's window, and hold up all others.
  if (endpoint === 'unusable' || endpoint === 'behind') {
    await wait(context, request, turn, now + UNUSABLE_MS / context.timeScale, 'unusable');
    return 'done';
  }
  // Deleted with its history: nothing is written about it any more.
  if (endpoint === 'gone') return 'done';
  if (await isOver(request, key, endpoint, context)) return 'done';
  if (request.redelivered && (await wasTaken(request, context))) return 'done';
  if (request.returning) context.gates.returned(endpoint.id);
  const skipped = skipReason(endpoint, delivery, turn, { now: context.clock.now(), timeScale: context.timeScale });
  if (skipped !== null) {
    await store(context, { kind: 'skipped', delivery, turn, reason: skipped, at: context.clock.now() });
    return 'done';
  }
  const othersGoFirst = await waitForOrder(request, endpoint, context);
  if (othersGoFirst === 'over') return 'done';
  if (othersGoFirst !== null) {
    await wait(context, request, turn, othersGoFirst, 'order');
    return 'done';
  }
  const admitted = context.gates.admit(endpoint);
  const admission = admitted instanceof Promise ? await admitted : admitted;
  if ('away' in admission) {
    await wait(context, request, turn, Math.round(context.clock.now() + admission.waitMs), admission.away);
    return 'done';
  }
  const newest = context.endpoints.find(delivery.webhookId, delivery.webhookRevision);
  if (typeof newest === 'string' || newest.revision !== endpoint.revision) {
    // Its owner changed it, or let it go, while this waited: what was is not to be sent any more.
    admission.done({ kind: 'not_sent' });
    admission.settled();
    return take({ ...request, returning: false }, key, context);
  }
  try {
    // Of the same revision, but for the account's secret perhaps.
    await attempt(request, newest, admission, context);
  } finally {
    // Where it broke off before anything was sent; otherwise the place was given back long ago.
    admission.done({ kind: 'not_sent' });
    admission.settled();
  }
  context.turns.finish(key);
  return 'done';
}

/** Whether a delivery keeps the strict order of its key. Replays are wishes of their own. */
const isInStrictOrder = (endpoint: Endpoint, { delivery, turn }: TurnRequest): boolean =>
  endpoint.ordering === 'strict' && delivery.place !== undefined && turn.round === 0;

/** Whether there is nothing left to do: the turn was taken, or the delivery has moved on. */
async function isOver(
  request: TurnRequest,
  key: TurnKey,
  endpoint: Endpoint,
  { turns, late, keyOrder }: TurnContext,
): Promise<boolean> {
  const { delivery, turn, sentAwayAt, returning } = request;
  // Asked for twice: by a message that comes again, or by the lane that a delivery was called out of.
  if (turns.isFinished(key) || turns.isSuperseded(delivery, turn)) return true;
  if (sentAwayAt !== null && (await late.isTaken(delivery, turn, { sentAwayAt, returning }))) return true;
  return isInStrictOrder(endpoint, request) && (await keyOrder.isOver(delivery));
}

/** Whether the turn was taken by whoever had its message before; the entry for the next one is stored if that is what is missing. */
async function wasTaken(request: TurnRequest, context: TurnContext): Promise<boolean> {
  const { delivery, turn } = request;
  const became = await context.late.whatBecameOf(delivery, turn);
  switch (became.kind) {
    case 'unknown':
      return false;
    case 'over':
      return true;
    case 'to_be_retried':
      await waitForRetry(request, became.at, request.traceparent, context);
      return true;
    default:
      return unreachable(became);
  }
}

/** When to ask again because others are sent before this one; `null`: it is its turn; `over`: it has had it. */
async function waitForOrder(
  request: TurnRequest,
  endpoint: Endpoint,
  { jobOrder, keyOrder, clock }: TurnContext,
): Promise<number | 'over' | null> {
  const { delivery, turn } = request;
  if (isInStrictOrder(endpoint, request)) return keyOrder.waitFor(delivery, turn);
  const endsJob = delivery.last === true && endpoint.ordering === 'job' && turn.attempt === 1 && turn.round === 0;
  const place = endsJob ? await jobOrder.placeOf(delivery) : 'next';
  switch (place) {
    case 'next':
      return null;
    case 'behind':
      return clock.now() + LOOK_AGAIN_MS;
    case 'over':
      return 'over';
    default:
      return unreachable(place);
  }
}

async function attempt(request: TurnRequest, endpoint: Endpoint, permit: Permit, context: TurnContext): Promise<void> {
  const { delivery, turn, body } = request;
  const span = startAttemptSpan(request, endpoint);
  const traceparent = formatTraceparent(span.spanContext()) ?? request.traceparent;
  const headers = requestHeaders(endpoint, delivery, body, context.clock.now(), traceparent);
  const sent = await context.sender.send({ target: endpoint.target, headers, body, deadlineMs: endpoint.timeoutMs });
  // The place is the next one's now: storing what came of this attempt takes nothing from the endpoint. Only how many of
  // those there are is bounded.
  permit.done(feedbackOf(sent, endpoint, context.clock.now()));
  countAttempt(span, sent);

  const record = attemptRecord(sent, endpoint, headers);
  const verdict = endpoint.profile.classify(sent.result);
  switch (verdict) {
    case 'success':
      return store(context, { kind: 'delivered', delivery, turn, attempt: record });
    case 'final':
      return store(context, { kind: 'attempt_failed', delivery, turn, attempt: record, nextAttemptAt: null });
    case 'retryable': {
      const nextAttemptAt = delivery.test ? null : nextAttempt(request, endpoint, sent, context);
      const failed: Outcome = { kind: 'attempt_failed', delivery, turn, attempt: record, nextAttemptAt };
      if (nextAttemptAt === null) return store(context, failed);
      // One after the other: an entry without its outcome would be a further attempt at what a repeat may have delivered.
      await store(context, failed);
      return waitForRetry(request, nextAttemptAt, traceparent, context);
    }
    default:
      return unreachable(verdict);
  }
}

/** When the next attempt is due; `null` when there is none, because the schedule has ended or it would come too late. */
function nextAttempt(
  { delivery, turn }: TurnRequest,
  endpoint: Endpoint,
  sent: AttemptResult,
  { clock, timeScale }: TurnContext,
): number | null {
  const now = clock.now();
  const delayMs = nextDelayMs(endpoint, delivery, turn, sent, now);
  if (delayMs === null) return null;
  const at = Math.round(now + delayMs / timeScale);
  return isTooOld(endpoint, delivery, turn, { now: at, timeScale }) ? null : at;
}

/** The schedule's delay, or longer when the endpoint asks for it (ST-03). */
function nextDelayMs(
  endpoint: Endpoint,
  { id }: StoredDelivery,
  turn: Turn,
  { response }: AttemptResult,
  now: number,
): number | null {
  const exact = retryDelayMs(endpoint.retries, turn.attempt);
  if (exact === null) return null;
  const scheduled = endpoint.spreadsRetries ? spreadMs(exact, `${id}:${turn.round}:${turn.attempt}`) : exact;
  if (response === null || !endpoint.profile.honoursRetryAfter) return scheduled;
  return Math.max(scheduled, postponedMs(response.status, response.headers['retry-after'], now));
}

async function store(context: TurnContext, outcome: Outcome): Promise<void> {
  const { streams, names, clock, signal, keyOrder } = context;
  await publishUntilStored(streams, encodeOutcome(outcome, names), clock, signal);
  if (outcome.delivery.place !== undefined) keyOrder.heard(outcome);
}

/** `traceparent`: of this attempt. */
function waitForRetry(
  request: TurnRequest,
  at: number,
  traceparent: string | null,
  context: TurnContext,
): Promise<void> {
  const { turn } = request;
  const firstAttempt = request.firstAttempt ?? traceparent;
  const next = { round: turn.round, attempt: turn.attempt + 1 };
  return wait(context, { ...request, firstAttempt }, next, at, 'backoff');
}

async function wait(
  { streams, names, clock, timeScale, signal }: TurnContext,
  { delivery, firstAttempt, cause }: TurnRequest,
  turn: Turn,
  dueAt: number,
  reason: WaitReason,
): Promise<void> {
  const now = clock.now();
  const entry: RetryEntry = { delivery, turn, dueAt, reason, traceparent: firstAttempt, sentAwayAt: now };
  await publishUntilStored(streams, encodeLaneEntry(entry, cause, now, timeScale, names), clock, signal);
}

function attemptRecord(sent: AttemptResult, endpoint: Endpoint, headers: Readonly<Record<string, string>>): Attempt {
  return {
    startedAt: sent.startedAt,
    durationMs: sent.durationMs,
    request: { method: 'POST', url: endpoint.target.href, headers: shownHeaders(headers) },
    response: sent.response,
    error: sent.error,
    remoteAddress: sent.remoteAddress,
  };
}
