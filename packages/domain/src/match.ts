import { familiesOf, isOperational } from './catalogue.ts';
import type { Event } from './event/event.ts';
import type { TenantId, WebhookId } from './ids.ts';
import { type Result, unreachable } from './result.ts';
import type { WebhookConfig } from './webhook/config.ts';
import type { Webhook } from './webhook/webhook.ts';

/** Why an event reaches a webhook, or not. */
export type Verdict =
  | { readonly kind: 'matched'; readonly pattern: string }
  | { readonly kind: 'filtered_by_type' }
  | { readonly kind: 'filtered_by_scope' }
  | { readonly kind: 'filtered_by_job' }
  | { readonly kind: 'filtered_by_tags' }
  /** `error`: the expression could not be evaluated on this event; `null`: it was false. */
  | { readonly kind: 'filtered_by_condition'; readonly error: string | null }
  | { readonly kind: 'inactive'; readonly detail: string };

export type Matchable = Pick<Event, 'type' | 'taskId' | 'jobId' | 'tags'>;

/** Whether a condition holds for the event in question; an error when it cannot be said. */
export type Holds = (condition: string) => Result<boolean, string>;

/** The patterns that cover a type: itself, its families, everything. */
function patternsFor(type: string): string[] {
  return [type, ...familiesOf(type).map((family) => `${family}.*`), '*'];
}

/**
 * Operational events reach those alone who name them: a webhook that wants everything of its crawls does not want
 * news about webhooks, and must not be told of its own failures.
 */
function covers(pattern: string, type: string): boolean {
  return pattern !== '*' || !isOperational(type);
}

/** The rule itself, for one webhook; {@link MatchIndex} answers the same for all of them without asking each. */
export function judge(webhook: Webhook, event: Matchable, holds: Holds): Verdict {
  if (webhook.status.kind === 'inactive') return { kind: 'inactive', detail: webhook.status.detail };
  const { config } = webhook;
  const pattern = patternsFor(event.type).find(
    (candidate) => covers(candidate, event.type) && config.eventTypes.includes(candidate),
  );
  if (pattern === undefined) return { kind: 'filtered_by_type' };
  return judgeFilters(config, event, holds) ?? { kind: 'matched', pattern };
}

/** What keeps an event of a subscribed type away; `null` when nothing does. */
function judgeFilters(config: WebhookConfig, event: Matchable, holds: Holds): Verdict | null {
  if (config.jobId !== null && config.jobId !== event.jobId) return { kind: 'filtered_by_job' };
  if (config.scope === 'specific' && !(event.taskId !== null && config.taskIds.includes(event.taskId))) {
    return { kind: 'filtered_by_scope' };
  }
  if (config.eventTags.length > 0 && !config.eventTags.some((tag) => event.tags?.includes(tag) === true)) {
    return { kind: 'filtered_by_tags' };
  }
  if (config.condition === null) return null;
  const held = holds(config.condition);
  if (!held.ok) return { kind: 'filtered_by_condition', error: held.error };
  return held.value ? null : { kind: 'filtered_by_condition', error: null };
}

/** For people: the rule that decided. */
export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'matched':
      return `subscribed by "${verdict.pattern}"`;
    case 'filtered_by_type':
      return 'none of the event types it subscribes to covers this type';
    case 'filtered_by_scope':
      return "its scope is 'specific' and the event's task id is not listed";
    case 'filtered_by_job':
      return 'it belongs to another job';
    case 'filtered_by_tags':
      return 'the event carries none of the tags it asks for';
    case 'filtered_by_condition':
      return verdict.error === null ? 'its condition does not hold' : `its condition failed: ${verdict.error}`;
    case 'inactive':
      return `inactive: ${verdict.detail}`;
    default:
      return unreachable(verdict);
  }
}

/** Webhooks subscribed to one pattern within one tenant, by what they ask for most narrowly. */
type Bucket = Map<string, Set<WebhookId>>;

const ANY = '*';

/** The keys under which a webhook is looked for: its job, its tasks, its tags, or any event. */
function keysOf(config: WebhookConfig): string[] {
  if (config.jobId !== null) return [`job ${config.jobId}`];
  if (config.scope === 'specific') return config.taskIds.map((id) => `task ${id}`);
  if (config.eventTags.length > 0) return config.eventTags.map((tag) => `tag ${tag}`);
  return [ANY];
}

function keysFor(event: Matchable): string[] {
  const keys = [ANY];
  if (event.jobId !== null) keys.push(`job ${event.jobId}`);
  if (event.taskId !== null) keys.push(`task ${event.taskId}`);
  for (const tag of event.tags ?? []) keys.push(`tag ${tag}`);
  return keys;
}

/** Whether being found under its key is not yet all that a webhook asks for. */
function asksMore({ jobId, scope, eventTags, condition }: WebhookConfig): boolean {
  if (condition !== null) return true;
  return Number(jobId !== null) + Number(scope === 'specific') + Number(eventTags.length > 0) > 1;
}

/**
 * Which active webhooks want an event, in time proportional to those that do: tenant → pattern → key → ids. A webhook
 * that is not there, inactive, deleted, or of another job, task or tag costs nothing; a condition is asked last.
 */
export class MatchIndex {
  readonly #tenants = new Map<TenantId, Map<string, Bucket>>();
  readonly #indexed = new Map<WebhookId, Webhook>();
  readonly #ofJobs = new Map<string, Set<WebhookId>>();

  /** Takes in a webhook's new state; call it for every change. */
  put(webhook: Webhook): void {
    this.remove(webhook.id);
    if (webhook.status.kind === 'inactive') return;
    this.#indexed.set(webhook.id, webhook);
    const { jobId } = webhook.config;
    if (jobId !== null) setIn(this.#ofJobs, jobKey(webhook.tenant, jobId)).add(webhook.id);
    const keys = keysOf(webhook.config);
    for (const bucket of this.#bucketsOf(webhook)) for (const key of keys) setIn(bucket, key).add(webhook.id);
  }

  remove(id: WebhookId): void {
    const old = this.#indexed.get(id);
    if (old === undefined) return;
    this.#indexed.delete(id);
    if (old.config.jobId !== null) this.#removeFromJob(old.tenant, old.config.jobId, id);
    const patterns = this.#tenants.get(old.tenant);
    const keys = keysOf(old.config);
    for (const pattern of old.config.eventTypes) {
      const bucket = patterns?.get(pattern);
      if (bucket === undefined) continue;
      for (const key of keys) {
        const ids = bucket.get(key);
        ids?.delete(id);
        if (ids?.size === 0) bucket.delete(key);
      }
      if (bucket.size === 0) patterns?.delete(pattern);
    }
    if (patterns?.size === 0) this.#tenants.delete(old.tenant);
  }

  /** Each id once, even when several of a webhook's patterns cover the type. */
  match(tenant: TenantId, event: Matchable, holds: Holds): WebhookId[] {
    const patterns = this.#tenants.get(tenant);
    if (patterns === undefined) return [];
    const hits: ReadonlySet<WebhookId>[] = [];
    const keys = keysFor(event);
    for (const pattern of patternsFor(event.type)) {
      const bucket = covers(pattern, event.type) ? patterns.get(pattern) : undefined;
      if (bucket === undefined) continue;
      for (const key of keys) {
        const ids = bucket.get(key);
        if (ids !== undefined) hits.push(ids);
      }
    }
    const found = hits.length === 1 ? [...(hits[0] ?? [])] : [...new Set(hits.flatMap((ids) => [...ids]))];
    const wants = (id: WebhookId): boolean => this.#wants(id, event, holds);
    const asking = found.filter((id) => this.#hasCondition(id));
    if (asking.length === 0) return found.filter(wants);
    // In an order that is the same in every replica: what conditions may cost together ends somewhere.
    return [...found.filter((id) => !this.#hasCondition(id) && wants(id)), ...asking.toSorted().filter(wants)];
  }

  /** The active webhooks that were attached to a job, whatever types they want. */
  ofJob(tenant: TenantId, jobId: string): WebhookId[] {
    return [...(this.#ofJobs.get(jobKey(tenant, jobId)) ?? [])];
  }

  #removeFromJob(tenant: TenantId, jobId: string, id: WebhookId): void {
    const ids = this.#ofJobs.get(jobKey(tenant, jobId));
    ids?.delete(id);
    if (ids?.size === 0) this.#ofJobs.delete(jobKey(tenant, jobId));
  }

  #hasCondition(id: WebhookId): boolean {
    return (this.#indexed.get(id)?.config.condition ?? null) !== null;
  }

  #wants(id: WebhookId, event: Matchable, holds: Holds): boolean {
    const config = this.#indexed.get(id)?.config;
    return config !== undefined && (!asksMore(config) || judgeFilters(config, event, holds) === null);
  }

  #bucketsOf(webhook: Webhook): Bucket[] {
    let patterns = this.#tenants.get(webhook.tenant);
    if (patterns === undefined) this.#tenants.set(webhook.tenant, (patterns = new Map()));
    const buckets: Bucket[] = [];
    for (const pattern of new Set(webhook.config.eventTypes)) {
      let bucket = patterns.get(pattern);
      if (bucket === undefined) patterns.set(pattern, (bucket = new Map()));
      buckets.push(bucket);
    }
    return buckets;
  }
}

const jobKey = (tenant: TenantId, jobId: string): string => `${tenant} ${jobId}`;

function setIn(map: Map<string, Set<WebhookId>>, key: string): Set<WebhookId> {
  let set = map.get(key);
  if (set === undefined) map.set(key, (set = new Set()));
  return set;
}
