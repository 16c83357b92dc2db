import { isMasked } from '@grapnel/domain/security/endpoint-url';
import type { Violation } from '@grapnel/domain/violation';
import { checkConfig } from '@grapnel/domain/webhook/check-config';
import { DEFAULTS, type WebhookChanges } from '@grapnel/domain/webhook/config';

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

/** The deployment's own rules are the subscription service's to apply; here the rules that hold everywhere are. */
const POLICY = { allowLocal: true, conditionProblem: () => null };

/**
 * What the domain has against the well-formed fields of a webhook's body. Asked when others are not well-formed, so that
 * the tenant hears of both at once; a body of the right form goes to the subscription service, which asks the same.
 */
export function webhookFaults(body: unknown, method: string, url: string): readonly Violation[] {
  const isCreation = method === 'POST' && url === '/v1/webhooks';
  if (!isCreation && !(method === 'PUT' && url === '/v1/webhooks/:webhookId')) return [];
  if (typeof body !== 'object' || body === null) return [];
  const { name, webhook_url, event_types, scope, specific_task_ids } = body as Readonly<Record<string, unknown>>;
  // An update may rely on ids, and on a password, that are stored already.
  const scopeIsWhole = isCreation ? specific_task_ids === undefined || isTexts(specific_task_ids) : false;
  const changes: WebhookChanges = {
    ...(isText(name) && { name }),
    ...(isText(webhook_url) && (isCreation || !isMasked(webhook_url)) && { url: webhook_url }),
    ...(isTexts(event_types) && { eventTypes: event_types }),
    ...(scopeIsWhole && scope === 'specific' && { scope }),
    ...(isTexts(specific_task_ids) && { taskIds: specific_task_ids }),
  };
  return checkConfig({ ...DEFAULTS, name: '', url: '', eventTypes: [], ...changes }, changes, POLICY);
}
