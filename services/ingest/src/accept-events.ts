import { encodeEvent } from '@grapnel/contracts/event-codec';
import type { Topology } from '@grapnel/contracts/topology';
import { acceptEvent, type Event, type EventInput } from '@grapnel/domain/event/event';
import { type Entropy, newEventId, type TenantId } from '@grapnel/domain/ids';
import { err, type Result } from '@grapnel/domain/result';
import type { Violation } from '@grapnel/domain/violation';
import type { Clock } from '@grapnel/runtime/clock';
import { StoreUnavailable } from '@grapnel/stream/ports';
import type { Admission } from './admission.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { Outcome } from './outcome.ts';
import type { EventStore, PublishableTypes } from './ports.ts';
import type { PublishTrace } from './publish-trace.ts';

/** An event as an edge hands it in. */
export interface Submission {
  readonly input: EventInput;
  readonly tenant: TenantId;
  /** W3C trace context of the caller, unchecked. */
  readonly traceparent: string | null;
  /** Sent on with the event, for readers that are ours. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AcceptParts {
  readonly store: EventStore;
  readonly names: Topology;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: IngestMetrics;
  readonly tracing: PublishTrace;
  readonly types: PublishableTypes;
}

const SHORTEST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 1_000;
const UNAVAILABLE_RETRY_MS = 1_000;
/** Weight of the newest in the moving average of the time that storing takes. */
const NEWEST = 1 / 32;

/** Takes events in: checks them, waits for the store, says what became of each. Never answers before it is stored. */
export class AcceptEvents {
  readonly #parts: AcceptParts;
  #storingMs = 0;

  constructor(parts: AcceptParts) {
    this.#parts = parts;
  }

  /** One event, at once or not at all. */
  async accept(submission: Submission): Promise<Outcome> {
    const later = this.#notLoaded(submission);
    if (later !== null) return later;
    const checked = this.#check(submission);
    if (!checked.ok) return { kind: 'invalid', violations: checked.error };
    const { tenant, input } = submission;
    if (!this.#parts.admission.tryEnter(tenant, input.data.byteLength)) return this.#busy(checked.value);
    return this.#store(checked.value, submission);
  }

  /**
   * One event, as soon as there is room: until this resolves, the caller must read no further. What became of the
   * event is `outcome`, later. Rejects with the signal's reason when that ends the waiting.
   */
  async acceptInTurn(submission: Submission, signal: AbortSignal): Promise<{ readonly outcome: Promise<Outcome> }> {
    const later = this.#notLoaded(submission);
    if (later !== null) return { outcome: Promise.resolve(later) };
    const checked = this.#check(submission);
    if (!checked.ok) return { outcome: Promise.resolve({ kind: 'invalid', violations: checked.error }) };
    const { tenant, input } = submission;
    await this.#parts.admission.enter(tenant, input.data.byteLength, signal);
    return { outcome: this.#store(checked.value, submission) };
  }

  /** All or, when one is wrong or there is no room for all, none: of one tenant. Fields of the `n`th are named `events[n].…`. */
  async acceptTogether(tenant: TenantId, submissions: readonly Submission[]): Promise<Outcome[]> {
    const later = submissions.map((submission) => this.#notLoaded(submission)).find((outcome) => outcome !== null);
    if (later !== undefined) return submissions.map(() => later);
    const checked = submissions.map((submission, n) => this.#check(submission, `events[${n}].`));
    const violations = checked.flatMap((result) => (result.ok ? [] : result.error));
    if (violations.length > 0) return [{ kind: 'invalid', violations }];
    const events = checked.flatMap((result) => (result.ok ? [result.value] : []));
    const bytes = submissions.reduce((sum, { input }) => sum + input.data.byteLength, 0);
    if (!this.#parts.admission.tryEnter(tenant, bytes, events.length)) return events.map((event) => this.#busy(event));
    return Promise.all(events.map((event, n) => this.#store(event, submissions[n] as Submission)));
  }

  /** For what an edge has refused by its form alone. */
  refused(type: string): void {
    this.#parts.metrics.count(type, 'invalid');
  }

  /** Before all types are known, an unknown one may well be good: that is an outage, not a refusal. */
  #notLoaded({ input: { type } }: Submission): Outcome | null {
    const { types, metrics } = this.#parts;
    const problem = types.has(type) ? null : types.problem();
    if (problem === null) return null;
    metrics.count(type, 'busy');
    return { kind: 'busy', message: `${problem}; nothing was stored`, retryAfterMs: UNAVAILABLE_RETRY_MS };
  }

  #check({ input, tenant }: Submission, at = ''): Result<Event, Violation[]> {
    const { clock, entropy, metrics, types } = this.#parts;
    const now = clock.now();
    const checked = acceptEvent(input, { tenant, now, newId: () => newEventId(now, entropy), types }, at);
    const mismatch = checked.ok ? types.violation(input.type, input.data, `${at}data`) : null;
    if (checked.ok && mismatch === null) return checked;
    metrics.count(input.type, 'invalid');
    return checked.ok && mismatch !== null ? err([mismatch]) : checked;
  }

  /** For an event that was let in; leaves when the store has answered. */
  async #store(event: Event, { input: { data }, traceparent, headers = {} }: Submission): Promise<Outcome> {
    const { store, names, admission, clock, metrics, tracing } = this.#parts;
    const began = clock.monotonic();
    const encoded = encodeEvent(event, data, null, names);
    const message = { ...encoded, headers: { ...encoded.headers, ...headers } };
    const span = tracing.start(event, message.subject, data.byteLength, traceparent);
    let failure: string | null = null;
    try {
      const { duplicate } = await store.publish(tracing.carriedOn(message, span, traceparent));
      metrics.count(event.type, duplicate ? 'duplicate' : 'accepted');
      return { kind: 'accepted', eventId: event.id, duplicate };
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      failure = error.message;
      metrics.count(event.type, error.retryable ? 'unavailable' : 'refused');
      return notStored(error, event);
    } finally {
      admission.leave(event.tenant, data.byteLength);
      const tookMs = clock.monotonic() - began;
      this.#storingMs += (tookMs - this.#storingMs) * NEWEST;
      metrics.took(tookMs);
      tracing.end(span, failure);
    }
  }

  /** Room comes at the pace of the store: the slower it is, the later it makes sense to ask again. */
  #busy(event: Event): Outcome {
    this.#parts.metrics.count(event.type, 'busy');
    const retryAfterMs = Math.min(Math.max(Math.ceil(4 * this.#storingMs), SHORTEST_RETRY_MS), LONGEST_RETRY_MS);
    return { kind: 'busy', message: 'too many events are under way; nothing of this one was stored', retryAfterMs };
  }
}

function notStored(error: StoreUnavailable, event: Event): Outcome {
  if (!error.retryable)
    return { kind: 'refused', message: `the event store does not take this event: ${error.message}` };
  const advice = `it may or may not have been stored; sending it again with the same id (${event.id}) is safe`;
  return { kind: 'unavailable', message: `${error.message}: ${advice}`, retryAfterMs: UNAVAILABLE_RETRY_MS };
}
