import { familiesOf } from './catalogue.ts';
import type { Event } from './event/event.ts';
import type { TenantId, WebhookId } from './ids.ts';
import { unreachable } from './result.ts';
import type { Webhook } from './webhook/webhook.ts';

/** Why an event reaches a webhook, or not. */
export type Verdict =
  | { readonly kind: 'matched'; readonly pattern: string }
  | { readonly kind: 'filtered_by_type' }
  | { readonly kind: 'filtered_by_scope' }
  | { readonly kind: 'inactive'; readonly detail: string };

export type Matchable = Pick<Event, 'type' | 'taskId'>;

/** The patterns that cover a type: itself, its families, everything. */
function patternsFor(type: string): string[] {
  return [type, ...familiesOf(type).map((family) => `${family}.*`), '*'];
}

/** The rule itself, for one webhook; {@link MatchIndex} answers the same for all of them without asking each. */
export function judge(webhook: Webhook, event: Matchable): Verdict {
  if (webhook.status.kind === 'inactive') return { kind: 'inactive', detail: webhook.status.detail };
  const pattern = patternsFor(event.type).find((candidate) => webhook.config.eventTypes.includes(candidate));
  if (pattern === undefined) return { kind: 'filtered_by_type' };
  if (
    webhook.config.scope === 'specific' &&
    !(event.taskId !== null && webhook.config.taskIds.includes(event.taskId))
  ) {
    return { kind: 'filtered_by_scope' };
  }
  return { kind: 'matched', pattern };
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
    case 'inactive':
      return `inactive: ${verdict.detail}`;
    default:
      return unreachable(verdict);
  }
}

/** Webhooks subscribed to one pattern within one tenant. */
interface Bucket {
  readonly all: Set<WebhookId>;
  readonly byTask: Map<string, Set<WebhookId>>;
}

/**
 * Which active webhooks want an event, in time proportional to those that do: tenant → pattern → scope → ids.
 * A webhook that is not there, inactive or deleted costs nothing.
 */
export class MatchIndex {
  readonly #tenants = new Map<TenantId, Map<string, Bucket>>();
  readonly #indexed = new Map<WebhookId, Webhook>();

  /** Takes in a webhook's new state; call it for every change. */
  put(webhook: Webhook): void {
    this.remove(webhook.id);
    if (webhook.status.kind === 'inactive') return;
    this.#indexed.set(webhook.id, webhook);
    for (const bucket of this.#bucketsOf(webhook)) {
      if (webhook.config.scope === 'all') bucket.all.add(webhook.id);
      else for (const task of webhook.config.taskIds) setIn(bucket.byTask, task).add(webhook.id);
    }
  }

  remove(id: WebhookId): void {
    const old = this.#indexed.get(id);
    if (old === undefined) return;
    this.#indexed.delete(id);
    const patterns = this.#tenants.get(old.tenant);
    for (const pattern of old.config.eventTypes) {
      const bucket = patterns?.get(pattern);
      if (bucket === undefined) continue;
      bucket.all.delete(id);
      for (const task of old.config.taskIds) {
        const ids = bucket.byTask.get(task);
        ids?.delete(id);
        if (ids?.size === 0) bucket.byTask.delete(task);
      }
      if (bucket.all.size === 0 && bucket.byTask.size === 0) patterns?.delete(pattern);
    }
    if (patterns?.size === 0) this.#tenants.delete(old.tenant);
  }

  /** Each id once, even when several of a webhook's patterns cover the type. */
  match(tenant: TenantId, event: Matchable): WebhookId[] {
    const patterns = this.#tenants.get(tenant);
    if (patterns === undefined) return [];
    const hits: ReadonlySet<WebhookId>[] = [];
    for (const pattern of patternsFor(event.type)) {
      const bucket = patterns.get(pattern);
      if (bucket === undefined) continue;
      if (bucket.all.size > 0) hits.push(bucket.all);
      const scoped = event.taskId === null ? undefined : bucket.byTask.get(event.taskId);
      if (scoped !== undefined) hits.push(scoped);
    }
    if (hits.length <= 1) return [...(hits[0] ?? [])];
    const distinct = new Set<WebhookId>();
    for (const ids of hits) for (const id of ids) distinct.add(id);
    return [...distinct];
  }

  #bucketsOf(webhook: Webhook): Bucket[] {
    let patterns = this.#tenants.get(webhook.tenant);
    if (patterns === undefined) this.#tenants.set(webhook.tenant, (patterns = new Map()));
    const buckets: Bucket[] = [];
    for (const pattern of new Set(webhook.config.eventTypes)) {
      let bucket = patterns.get(pattern);
      if (bucket === undefined) patterns.set(pattern, (bucket = { all: new Set(), byTask: new Map() }));
      buckets.push(bucket);
    }
    return buckets;
  }
}

function setIn(map: Map<string, Set<WebhookId>>, key: string): Set<WebhookId> {
  let set = map.get(key);
  if (set === undefined) map.set(key, (set = new Set()));
  return set;
}
