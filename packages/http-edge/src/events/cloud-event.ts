import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { EventId } from '@grapnel/domain/ids';
import { type Violation, violation } from '@grapnel/domain/violation';
import { CloudEvent } from 'cloudevents';
import type { ReadEvent } from './incoming-event.ts';
import { compactBytes } from './native-event.ts';

/** Attributes by name; values are whatever the producer sent. */
export type Attributes = Readonly<Record<string, unknown>>;

const REQUIRED = ['id', 'source', 'type', 'specversion'];
const PREFIX = 'ce-';
const JSON_TYPE = /^application\/json *(;|$)/i;

/** Binary mode: the `ce-…` headers, percent-decoded. The content type was checked by the body's parser. */
export function attributesOf(headers: IncomingHttpHeaders): Attributes {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(PREFIX) && name !== 'ce-datacontenttype') {
      attributes[name.slice(PREFIX.length)] = percentDecoded(String(value));
    }
  }
  return attributes;
}

/**
 * A CloudEvents 1.0 event: `type`, `time` and `data` as they are, `subject` (or the extension `jobid`) as the job's id,
 * the extension `taskid` as the task's. Other extensions are ignored.
 *
 * In CloudEvents an event is identified by `source` and `id` together, so two sources may use the same id for two
 * events. The event id, by which repeats are recognised within a tenant, is therefore made of both: `ce_` and the
 * SHA-256 of source, newline, id in base64url. Any id the specification allows is accepted; the answer names ours.
 */
export function readCloudEvent(attributes: Attributes, data: unknown): ReadEvent {
  const faults = faultsOf(attributes);
  const wrong = new Set(faults.map(({ field }) => field));
  const given = (name: string): string | null => {
    const value = attributes[name];
    return typeof value === 'string' && !wrong.has(name) ? value : null;
  };
  const time = given('time');
  return {
    faults,
    traceparent: given('traceparent'),
    input: {
      id: eventIdOf(given('source') ?? '', given('id') ?? ''),
      type: given('type') ?? '',
      jobId: given('jobid') ?? given('subject'),
      taskId: given('taskid'),
      time: time === null ? null : Date.parse(time),
      // What is said of data_base64 is enough.
      data: compactBytes(wrong.has('data_base64') ? null : data),
    },
  };
}

/** The producer's own words for our fields, in a violation that the domain found. */
export function inCloudEventTerms(found: Violation): Violation {
  return { ...found, field: found.field.replace(/job_id$/, 'subject').replace(/task_id$/, 'taskid') };
}

function eventIdOf(source: string, id: string): EventId {
  return `ce_${createHash('sha256').update(`${source}\n${id}`).digest('base64url')}`;
}

function faultsOf(attributes: Attributes): Violation[] {
  const wrong: Violation[] = REQUIRED.filter((name) => attributes[name] === undefined || attributes[name] === '').map(
    (name) => violation(name, 'REQUIRED', 'is required by CloudEvents 1.0'),
  );
  const version = attributes['specversion'] ?? '';
  if (version !== '' && version !== '1.0') wrong.push(violation('specversion', 'INVALID_VALUE', 'must be "1.0"'));
  for (const name of ['id', 'source', 'type', 'jobid', 'taskid', 'traceparent', 'time', 'subject']) {
    const value = attributes[name] ?? null;
    if (value !== null && typeof value !== 'string') wrong.push(violation(name, 'INVALID_TYPE', 'must be a string'));
  }
  if (attributes['data_base64'] !== undefined) {
    wrong.push(violation('data_base64', 'INVALID_VALUE', 'is not accepted: data must be JSON'));
  }
  const contentType = attributes['datacontenttype'] ?? 'application/json';
  if (!(typeof contentType === 'string' && JSON_TYPE.test(contentType))) {
    wrong.push(violation('datacontenttype', 'INVALID_VALUE', 'must be application/json or absent'));
  }
  // The official package cannot make sense of an event that is wrong in these.
  return wrong.length > 0 ? wrong : againstSpecification(attributes);
}

interface SchemaError {
  readonly instancePath?: string;
  readonly message?: string;
}

/** The official package's opinion. What it throws is not always its own error: an extension may hide its methods. */
function againstSpecification(attributes: Attributes): Violation[] {
  try {
    return new CloudEvent(attributes, true).validate()
      ? []
      : [violation('event', 'INVALID_VALUE', 'is not a CloudEvent')];
  } catch (error) {
    const { errors = [] } = error as { errors?: readonly SchemaError[] };
    const named = errors.flatMap(({ instancePath, message }) =>
      instancePath ? [violation(instancePath.slice(1), 'INVALID_VALUE', message ?? 'is not valid')] : [],
    );
    if (named.length > 0) return named;
    const name = /attribute name: "(.{1,64})"|extension name: (.{1,64})/.exec((error as Error).message);
    const field = name?.[1] ?? name?.[2] ?? 'event';
    return [violation(field, 'INVALID_VALUE', 'is not allowed by CloudEvents 1.0')];
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
