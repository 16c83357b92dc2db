import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { EventInput } from '@grapnel/domain/event/event';
import type { EventId } from '@grapnel/domain/ids';
import { err, ok, type Result } from '@grapnel/domain/result';
import { type Violation, violation } from '@grapnel/domain/violation';
import { CloudEvent } from 'cloudevents';
import { compactBytes } from './native-event.ts';

/** A CloudEvent as an event of ours. */
export interface ReadCloudEvent {
  readonly input: EventInput;
  /** Of the distributed tracing extension. */
  readonly traceparent: string | null;
}

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
export function readCloudEvent(attributes: Attributes, data: unknown): Result<ReadCloudEvent, Violation[]> {
  const wrong = violations(attributes);
  if (wrong.length > 0) return err(wrong);
  const given = (name: string): string | null => (attributes[name] as string | null | undefined) ?? null;
  const time = given('time');
  return ok({
    traceparent: given('traceparent'),
    input: {
      id: eventIdOf(String(given('source')), String(given('id'))),
      type: String(given('type')),
      jobId: given('jobid') ?? given('subject'),
      taskId: given('taskid'),
      time: time === null ? null : Date.parse(time),
      data: compactBytes(data),
    },
  });
}

/** The producer's own words for our fields, in a violation that the domain found. */
export function inCloudEventTerms(found: Violation): Violation {
  return { ...found, field: found.field.replace(/job_id$/, 'subject').replace(/task_id$/, 'taskid') };
}

function eventIdOf(source: string, id: string): EventId {
  return `ce_${createHash('sha256').update(`${source}\n${id}`).digest('base64url')}`;
}

function violations(attributes: Attributes): Violation[] {
  const missing = REQUIRED.filter((name) => attributes[name] === undefined || attributes[name] === '');
  if (missing.length > 0) return missing.map((name) => violation(name, 'REQUIRED', 'is required by CloudEvents 1.0'));
  if (attributes['specversion'] !== '1.0') return [violation('specversion', 'INVALID_VALUE', 'must be "1.0"')];
  const wrong: Violation[] = [];
  for (const name of ['jobid', 'taskid', 'traceparent', 'time', 'subject']) {
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
