import { BUILT_IN, isReserved } from '../catalogue.ts';
import type { EventTypes } from '../event-type/event-types.ts';
import { type EventId, isEventId, type TenantId } from '../ids.ts';
import { parseJsonBytes } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { type Violation, violation } from '../violation.ts';
import { LIMITS } from '../webhook/config.ts';

/** 1 MB: what a customer's endpoint must be ready to take (AC-15). */
export const MAX_DATA_BYTES = 1_048_576;
export const MAX_REFERENCE_CHARS = 256;
/** Events that may be handed in together, and the data of them all. */
export const MAX_BATCH_EVENTS = 1_000;
export const MAX_BATCH_BYTES = 8 * 1_048_576;

/** A fact from a producer, accepted and stored. Times are milliseconds since the epoch. */
export interface Event {
  readonly id: EventId;
  readonly tenant: TenantId;
  readonly type: string;
  readonly jobId: string | null;
  readonly taskId: string | null;
  /** For webhooks that filter by them; absent in events of older versions. */
  readonly tags?: readonly string[];
  readonly time: number;
  readonly acceptedAt: number;
  /** How many triggers it has come through; absent: none. */
  readonly hops?: number;
}

/** What a producer hands in, before it is checked. `null` is “not given”. */
export interface EventInput {
  readonly id: string | null;
  readonly type: string;
  readonly jobId: string | null;
  readonly taskId: string | null;
  readonly tags?: readonly string[];
  readonly time: number | null;
  /** One JSON value in UTF-8. */
  readonly data: Uint8Array;
  /** The platform itself says it, not a producer: it may use a type of its own, and put something round a caller's data. */
  readonly own?: { readonly maxDataBytes: number; readonly hops: number };
}

export interface AcceptContext {
  readonly tenant: TenantId;
  readonly now: number;
  newId(): EventId;
  /** What may be published; the built-in types when absent. */
  readonly types?: EventTypes;
}

// 0001-01-01 and 9999-12-31T23:59:59.999Z: what an ISO 8601 year of four digits can say.
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_300_799_999;

/** Turns what a producer said into an event, or says everything that is wrong with it; `at` prefixes the field names. */
export function acceptEvent(input: EventInput, context: AcceptContext, at = ''): Result<Event, Violation[]> {
  const wrong: Violation[] = [];
  if (input.id !== null && !isEventId(input.id)) {
    wrong.push(violation(`${at}id`, 'INVALID_VALUE', 'must be 1 to 128 characters of letters, digits and _ - . : ~'));
  }
  if (input.type === '') {
    wrong.push(violation(`${at}type`, 'REQUIRED', 'is required: a type of the catalogue, e.g. crawl.page'));
  } else if (input.own === undefined && isReserved(input.type)) {
    wrong.push(violation(`${at}type`, 'INVALID_VALUE', `must not be ${input.type}, which the platform alone sends`));
  } else if (!(context.types ?? BUILT_IN).has(input.type)) {
    wrong.push(unknownType(input.type, `${at}type`, context.types));
  }
  checkReference(input.jobId, `${at}job_id`, wrong);
  checkReference(input.taskId, `${at}task_id`, wrong);
  checkTags(input.tags ?? [], `${at}tags`, wrong);
  if (input.time !== null && !(input.time >= EARLIEST && input.time <= LATEST)) {
    wrong.push(violation(`${at}time`, 'INVALID_VALUE', 'must be a time between the years 1 and 9999'));
  }
  checkData(input.data, input.own?.maxDataBytes ?? MAX_DATA_BYTES, `${at}data`, wrong);
  if (wrong.length > 0) return err(wrong);
  return ok({
    id: input.id ?? context.newId(),
    tenant: context.tenant,
    type: input.type,
    jobId: input.jobId,
    taskId: input.taskId,
    ...(input.tags === undefined || input.tags.length === 0 ? {} : { tags: [...new Set(input.tags)] }),
    time: input.time ?? context.now,
    acceptedAt: context.now,
    ...(input.own === undefined ? {} : { hops: input.own.hops }),
  });
}

/** Why a type that `types` does not have cannot be named. */
export function unknownType(type: string, field: string, types: EventTypes = BUILT_IN): Violation {
  const shown = JSON.stringify(type.slice(0, 64));
  if (types.isArchived?.(type)) {
    return violation(field, 'INVALID_VALUE', `is an archived event type (${shown}): it takes no events any more`);
  }
  return violation(field, 'INVALID_VALUE', `is not a known event type (${shown}): GET /v1/webhook-events lists them`);
}

function checkReference(value: string | null, field: string, wrong: Violation[]): void {
  if (value === null) return;
  if (value === '' || value.length > MAX_REFERENCE_CHARS) {
    wrong.push(
      violation(field, value === '' ? 'TOO_SHORT' : 'TOO_LONG', `must be 1 to ${MAX_REFERENCE_CHARS} characters`),
    );
    return;
  }
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 || c === 0x7f) {
      wrong.push(violation(field, 'INVALID_VALUE', 'must not contain control characters'));
      return;
    }
  }
}

function checkTags(tags: readonly string[], field: string, wrong: Violation[]): void {
  if (tags.length > LIMITS.eventTags.max) {
    wrong.push(violation(field, 'TOO_LONG', `must be at most ${LIMITS.eventTags.max} tags`));
    return;
  }
  const at = tags.findIndex((tag) => tag === '' || tag.length > LIMITS.eventTags.chars || /\p{Cc}/u.test(tag));
  if (at < 0) return;
  const allowed = `must be 1 to ${LIMITS.eventTags.chars} characters without control characters`;
  wrong.push(violation(`${field}[${at}]`, 'INVALID_VALUE', allowed));
}

function checkData(data: Uint8Array, max: number, field: string, wrong: Violation[]): void {
  if (data.byteLength === 0) {
    wrong.push(violation(field, 'REQUIRED', 'is required: one JSON value'));
  } else if (data.byteLength > max) {
    wrong.push(
      violation(field, 'TOO_LARGE', `is ${data.byteLength} bytes; at most ${max} (${max / 1_048_576} MB) are allowed`),
    );
  } else {
    const parsed = parseJsonBytes(data);
    if (!parsed.ok) wrong.push(violation(field, 'INVALID_VALUE', parsed.error));
  }
}
