import { BUILT_IN, isSubscribable } from '../catalogue.ts';
import type { EventTypes } from '../event-type/event-types.ts';
import { profileOf } from '../profiles/registry.ts';
import { checkEndpointUrl, type UrlPolicy } from '../security/endpoint-url.ts';
import { type Violation, violation } from '../violation.ts';
import { checkProfileOptions } from './check-profile-options.ts';
import { LIMITS, type WebhookChanges, type WebhookConfig } from './config.ts';
import { checkCustomHeaders } from './custom-headers.ts';

/** What is allowed depends on the deployment, and conditions on a language that the domain does not know. */
export interface ConfigPolicy extends UrlPolicy {
  /** What may be subscribed to. */
  readonly types?: EventTypes;
  /** Why a condition cannot be used; `null` when it can. */
  conditionProblem(condition: string): string | null;
}

/** Everything wrong with a complete configuration; `given` limits the checks to what the caller has said. */
export function checkConfig(config: WebhookConfig, given: WebhookChanges, policy: ConfigPolicy): Violation[] {
  const wrong: Violation[] = [];
  if ('name' in given) checkName(config.name, wrong);
  if ('description' in given) checkLength('description', config.description ?? '', 0, LIMITS.description.max, wrong);
  if ('url' in given) {
    const { httpsOnly } = profileOf(config.profile);
    wrong.push(...checkEndpointUrl(config.url, { ...policy, httpsOnly }, 'webhook_url'));
  }
  if ('eventTypes' in given) checkEventTypes(config.eventTypes, policy.types ?? BUILT_IN, wrong);
  if ('timeoutSeconds' in given)
    checkNumber('timeout_seconds', config.timeoutSeconds, LIMITS.timeoutSeconds, true, wrong);
  if ('maxRetries' in given) checkNumber('max_retries', config.maxRetries, LIMITS.maxRetries, true, wrong);
  if ('backoffMultiplier' in given) {
    checkNumber('retry_backoff_multiplier', config.backoffMultiplier, LIMITS.backoffMultiplier, false, wrong);
  }
  if ('customHeaders' in given) wrong.push(...checkCustomHeaders(config.customHeaders));
  if ('tags' in given) checkList('tags', config.tags, LIMITS.tags, wrong);
  if ('metadata' in given && Buffer.byteLength(JSON.stringify(config.metadata)) > LIMITS.metadata.bytes) {
    wrong.push(violation('metadata', 'TOO_LARGE', `must be at most ${LIMITS.metadata.bytes} bytes of JSON`));
  }
  checkScope(config, given, wrong);
  checkFilters(config, given, policy, wrong);
  checkRetryDelays(config, given, wrong);
  checkPace(config, given, wrong);
  wrong.push(...checkProfileOptions(config, given));
  return wrong;
}

function checkScope(config: WebhookConfig, given: WebhookChanges, wrong: Violation[]): void {
  if (!('scope' in given) && !('taskIds' in given)) return;
  if (config.scope === 'specific' && config.taskIds.length === 0) {
    wrong.push(violation('specific_task_ids', 'REQUIRED', "specific_task_ids is required when scope is 'specific'"));
  }
  if (config.taskIds.length > LIMITS.taskIds.max) {
    wrong.push(violation('specific_task_ids', 'TOO_LONG', `must be at most ${LIMITS.taskIds.max} ids`));
  }
  const at = config.taskIds.findIndex((id) => id.length === 0 || id.length > LIMITS.taskIds.chars);
  if (at >= 0) {
    wrong.push(
      violation(`specific_task_ids[${at}]`, 'INVALID_VALUE', `must be 1 to ${LIMITS.taskIds.chars} characters`),
    );
  }
}

function checkFilters(config: WebhookConfig, given: WebhookChanges, policy: ConfigPolicy, wrong: Violation[]): void {
  if ('eventTags' in given) checkList('event_tags', config.eventTags, LIMITS.eventTags, wrong);
  if ('condition' in given && config.condition !== null) {
    const problem =
      config.condition.length > LIMITS.condition.max
        ? `must be at most ${LIMITS.condition.max} characters`
        : policy.conditionProblem(config.condition);
    if (problem !== null) wrong.push(violation('condition', 'INVALID_VALUE', problem));
  }
  if (
    'jobId' in given &&
    config.jobId !== null &&
    (config.jobId === '' || config.jobId.length > LIMITS.taskIds.chars)
  ) {
    wrong.push(violation('job_id', 'INVALID_VALUE', `must be 1 to ${LIMITS.taskIds.chars} characters`));
  }
}

function checkRetryDelays({ retryDelaysSeconds }: WebhookConfig, given: WebhookChanges, wrong: Violation[]): void {
  if (!('retryDelaysSeconds' in given) || retryDelaysSeconds === null) return;
  const { max, seconds } = LIMITS.retryDelays;
  if (retryDelaysSeconds.length === 0 || retryDelaysSeconds.length > max) {
    wrong.push(violation('retry_delays', 'INVALID_VALUE', `must be 1 to ${max} delays in seconds`));
  }
  retryDelaysSeconds.forEach((delay, i) => checkNumber(`retry_delays[${i}]`, delay, seconds, true, wrong));
}

function checkPace(
  { rateLimitPerSecond: rate, messageTtlSeconds: ttl }: WebhookConfig,
  given: WebhookChanges,
  wrong: Violation[],
): void {
  if ('rateLimitPerSecond' in given && rate !== null)
    checkNumber('rate_limit_per_second', rate, LIMITS.rateLimitPerSecond, false, wrong);
  if ('messageTtlSeconds' in given && ttl !== null)
    checkNumber('message_ttl_seconds', ttl, LIMITS.messageTtlSeconds, true, wrong);
}

function checkEventTypes(types: readonly string[], known: EventTypes, wrong: Violation[]): void {
  if (types.length < LIMITS.eventTypes.min) {
    wrong.push(violation('event_types', 'TOO_SHORT', 'must name at least one event type'));
  }
  if (types.length > LIMITS.eventTypes.max) {
    wrong.push(violation('event_types', 'TOO_LONG', `must name at most ${LIMITS.eventTypes.max} event types`));
    return;
  }
  types.forEach((type, i) => {
    if (isSubscribable(type, known)) return;
    const shown = JSON.stringify(type.slice(0, 64));
    const why = known.isArchived?.(type)
      ? `is an archived event type (${shown}): it takes no new subscriptions`
      : `is not a known event type (${shown}): GET /v1/webhook-events lists them, * and family.* are allowed too`;
    wrong.push(violation(`event_types[${i}]`, 'INVALID_VALUE', why));
  });
}

function checkList(
  field: string,
  tags: readonly string[],
  limits: { readonly max: number; readonly chars: number },
  wrong: Violation[],
): void {
  if (tags.length > limits.max) wrong.push(violation(field, 'TOO_LONG', `must be at most ${limits.max} tags`));
  const at = tags.findIndex((tag) => tag.length === 0 || tag.length > limits.chars);
  if (at >= 0) wrong.push(violation(`${field}[${at}]`, 'INVALID_VALUE', `must be 1 to ${limits.chars} characters`));
}

function checkName(name: string, wrong: Violation[]): void {
  // Names end in lists, logs and terminals.
  if (/\p{Cc}/u.test(name)) wrong.push(violation('name', 'INVALID_VALUE', 'must not contain control characters'));
  else checkLength('name', name.trim(), LIMITS.name.min, LIMITS.name.max, wrong);
}

function checkLength(field: string, text: string, min: number, max: number, wrong: Violation[]): void {
  // Characters as people count them, not UTF-16 units.
  const length = text.length <= max ? text.length : [...text].length;
  if (length < min)
    wrong.push(violation(field, 'TOO_SHORT', `must be at least ${min} character${min === 1 ? '' : 's'}`));
  if (length > max) wrong.push(violation(field, 'TOO_LONG', `must be at most ${max} characters`));
}

function checkNumber(
  field: string,
  value: number,
  range: { readonly min: number; readonly max: number },
  whole: boolean,
  wrong: Violation[],
): void {
  const allowed = `must be ${whole ? 'a whole number' : 'a number'} from ${range.min} to ${range.max}`;
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value)))
    wrong.push(violation(field, 'INVALID_VALUE', allowed));
  else if (value < range.min) wrong.push(violation(field, 'TOO_SMALL', allowed));
  else if (value > range.max) wrong.push(violation(field, 'TOO_LARGE', allowed));
}
