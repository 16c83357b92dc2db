import { deliveryIdOf } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { BodyContext } from './profile.ts';

type Members = { readonly [key: string]: Json };

/** What follows a type's first dot. */
const stateOf = (type: string): string => type.slice(type.indexOf('.') + 1);

/**
 * `{"success","type","id","data","metadata"}` in this order, `error` before the metadata (FC-01). Pages and the result of
 * an extraction are the one element of `data`; the other events have none (FC-03). An event failed when its type says so
 * or its data has `"success": false`, which a failed page has.
 */
export function firecrawlEnvelope({ event, data, value: parsed, webhookId, config }: BodyContext): string {
  const whole = parsed();
  const value = isJsonObject(whole) ? whole : null;
  const success = !failed(event.type, value);
  const parts = [
    `"success":${success}`,
    `"type":${JSON.stringify(event.type)}`,
    `"id":${JSON.stringify(event.jobId ?? jobIdIn(value) ?? event.id)}`,
  ];
  // The original's word for what tells repeats of one delivery apart from another.
  if (config.includeWebhookId) {
    parts.push(`"webhookId":${JSON.stringify(deliveryIdOf(event.tenant, event.id, webhookId))}`);
  }
  parts.push(`"data":${elements(event.type, data, value)}`);
  if (!success) parts.push(`"error":${JSON.stringify(errorIn(value, event.type))}`);
  parts.push(`"metadata":${JSON.stringify(config.metadata)}`);
  return `{${parts.join(',')}}`;
}

/** An event whose data is `{"success", "data": […]}` has the elements already, unless the list is what was extracted. */
function elements(type: string, data: string, value: Members | null): string {
  const has = (name: string): boolean => value !== null && Object.hasOwn(value, name);
  if (Array.isArray(value?.['data']) && has('success') && !has('extractId')) return JSON.stringify(value['data']);
  const carries = stateOf(type) === 'page' || type === 'extract.completed';
  if (!carries) return '[]';
  // A page that failed and has nothing to show is no page.
  if (value !== null && value['success'] === false && !Object.hasOwn(value, 'metadata')) return '[]';
  return `[${data}]`;
}

function failed(type: string, value: Members | null): boolean {
  const state = stateOf(type);
  if (state === 'failed' || state === 'cancelled') return true;
  return value !== null && value['success'] === false;
}

function errorIn(value: Members | null, type: string): string {
  for (const name of ['error', 'error_message', 'message', 'reason']) {
    const text = value?.[name];
    if (typeof text === 'string' && text !== '') return text;
  }
  return stateOf(type) === 'cancelled' ? 'The job was cancelled' : 'The job failed';
}

function jobIdIn(value: Members | null): string | null {
  for (const name of ['job_id', 'jobId', 'extractId']) {
    const id = value?.[name];
    if (typeof id === 'string') return id;
  }
  return null;
}
