import type { TenantId } from '@grapnel/domain/ids';
import type { ApiKey, ApiKeyEvent } from '@grapnel/domain/tenancy/api-key';
import { DEFAULTS } from '@grapnel/domain/webhook/config';
import type { WebhookEvent, WebhookState } from '@grapnel/domain/webhook/webhook';
import { decodeText, encodeJson, type Message, type NewMessage, reading } from './message.ts';
import { AGGREGATE_KINDS, type AggregateKind, type Topology } from './topology.ts';

/** What WEBHOOKS holds: what happened, and the state it made, so that the last message alone is enough. */
export interface Recorded<Event, State> {
  readonly event: Event;
  readonly state: State;
}

export type RecordedWebhook = Recorded<WebhookEvent, WebhookState>;
export type RecordedApiKey = Recorded<ApiKeyEvent, ApiKey>;

/** Which aggregate a message of WEBHOOKS belongs to. */
export interface Aggregate {
  readonly tenant: TenantId;
  readonly kind: AggregateKind;
  readonly id: string;
}

/** `expectedLastSequence`: position of the state that was decided upon; 0 for a new aggregate. */
export function encodeRecorded(
  aggregate: Aggregate,
  recorded: Recorded<unknown, unknown>,
  expectedLastSequence: number,
  names: Topology,
): NewMessage {
  return {
    subject: names.subjects.aggregate(aggregate.tenant, aggregate.kind, aggregate.id),
    body: encodeJson(recorded),
    headers: {},
    expectedLastSequence,
  };
}

/** @throws UnreadableMessage */
export function aggregateOf(message: Message): Aggregate {
  return reading(message, () => {
    const [tenant, kind, id] = message.subject.split('.').slice(-3);
    if (tenant === undefined || id === undefined || !isKind(kind)) throw new Error('not the subject of an aggregate');
    return { tenant, kind, id };
  });
}

const isKind = (token: string | undefined): token is AggregateKind => AGGREGATE_KINDS.some((kind) => kind === token);

/** @throws UnreadableMessage */
export function decodeRecorded(message: Message): Recorded<unknown, unknown> {
  return reading(message, () => parsed<Recorded<unknown, unknown>>(message));
}

function parsed<R extends Recorded<unknown, unknown>>(message: Message): R {
  const recorded = JSON.parse(decodeText(message.body)) as R;
  if (typeof recorded.state !== 'object' || recorded.state === null) throw new TypeError('it has no state');
  return recorded;
}

/** @throws UnreadableMessage */
export function decodeRecordedWebhook(message: Message): RecordedWebhook {
  return reading(message, () => {
    const { event, state } = parsed<RecordedWebhook>(message);
    if (state.kind !== 'present') return { event, state };
    // A state written by an older version lacks the fields that came later.
    const config = { ...DEFAULTS, ...state.webhook.config };
    return { event, state: { ...state, webhook: { ...state.webhook, config } } };
  });
}

/** @throws UnreadableMessage */
export function decodeRecordedApiKey(message: Message): RecordedApiKey {
  return reading(message, () => parsed<RecordedApiKey>(message));
}
