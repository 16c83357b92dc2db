import type { IncomingHttpHeaders } from 'node:http';
import { BUILT_IN } from '@grapnel/domain/catalogue';
import { acceptEvent, type EventInput, MAX_BATCH_BYTES, MAX_BATCH_EVENTS } from '@grapnel/domain/event/event';
import { isEventTypeName } from '@grapnel/domain/event-type/event-type';
import type { EventTypes } from '@grapnel/domain/event-type/event-types';
import { type Violation, violation } from '@grapnel/domain/violation';
import { HttpProblem } from '../problem.ts';
import { unsaid } from '../validation.ts';
import { attributesOf, inCloudEventTerms, readCloudEvent } from './cloud-event.ts';
import { encodingOf } from './encoding.ts';
import { readNativeEvent } from './native-event.ts';

/** One event of a request, before it is checked. */
export interface ReadEvent {
  /** What was not even of the right form is `null` or empty here. */
  readonly input: EventInput;
  /** The event's own trace, where its form has one. */
  readonly traceparent: string | null;
  /** Faults of form. */
  readonly faults: readonly Violation[];
}

export interface IncomingEvents {
  /** Whether they came as a batch, which is taken as a whole or not at all. */
  readonly batch: boolean;
  readonly events: readonly Pick<ReadEvent, 'input' | 'traceparent'>[];
}

/**
 * The events of a request, each as the domain would take it.
 * @throws HttpProblem with everything that is wrong with any of them, of form and of content
 */
export function incomingEvents(headers: IncomingHttpHeaders, body: unknown): IncomingEvents {
  const encoding = encodingOf(headers);
  switch (encoding) {
    case 'native':
      return { batch: false, events: checked([readNativeEvent(body)], [''], (found) => found) };
    case 'structured':
      return { batch: false, events: checked([structured(body, 'body')], [''], inCloudEventTerms) };
    case 'binary':
      return { batch: false, events: checked([readCloudEvent(attributesOf(headers), body)], [''], inCloudEventTerms) };
    case 'batch': {
      const elements = batchOf(body);
      const read = elements.map((element, n) => structured(element, `events[${n}]`));
      const events = checked(
        read,
        read.map((_, n) => `events[${n}].`),
        inCloudEventTerms,
      );
      return { batch: true, events: withinBytes(events) };
    }
  }
}

function checked(
  read: readonly ReadEvent[],
  at: readonly string[],
  named: (found: Violation) => Violation,
): readonly ReadEvent[] {
  const wrong = read.flatMap((event, n) => {
    const more = unsaid(contentFaults(event.input).map(named), event.faults);
    return [...event.faults, ...more].map((found) => ({ ...found, field: at[n] + found.field }));
  });
  if (wrong.length > 0) throw HttpProblem.invalid(wrong);
  return read;
}

/** Which types operators have registered is for ingest to know; what cannot be one is refused here. */
const PERHAPS: EventTypes = {
  has: (type) => BUILT_IN.has(type) || isEventTypeName(type),
  hasFamily: () => true,
};

function contentFaults(input: EventInput): Violation[] {
  // Whose it is and when it came do not matter to what is wrong with it.
  const result = acceptEvent(input, { tenant: '', now: 0, newId: () => 'evt_', types: PERHAPS });
  return result.ok ? [] : result.error;
}

function structured(value: unknown, field: string): ReadEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw HttpProblem.invalid([violation(field, 'INVALID_TYPE', 'must be a JSON object: one CloudEvent')]);
  }
  const { data, ...attributes } = value as Record<string, unknown>;
  return readCloudEvent(attributes, data);
}

function batchOf(body: unknown): readonly unknown[] {
  if (!Array.isArray(body)) {
    throw HttpProblem.invalid([violation('body', 'INVALID_TYPE', 'must be an array of CloudEvents')]);
  }
  if (body.length <= MAX_BATCH_EVENTS) return body;
  const message = `has ${body.length} events; at most ${MAX_BATCH_EVENTS} are allowed`;
  throw HttpProblem.invalid([violation('body', 'TOO_LONG', message)]);
}

function withinBytes(events: readonly ReadEvent[]): readonly ReadEvent[] {
  const bytes = events.reduce((sum, { input }) => sum + input.data.byteLength, 0);
  if (bytes <= MAX_BATCH_BYTES) return events;
  const message = `has ${bytes} bytes of data; at most ${MAX_BATCH_BYTES} (8 MB) are allowed`;
  throw HttpProblem.invalid([violation('body', 'TOO_LARGE', message)]);
}
