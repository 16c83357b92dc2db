import { unreachable } from '../result.ts';
import type { Webhook, WebhookEvent, WebhookState } from './webhook.ts';

/** The state after `event`. Events that do not fit the state are bugs of the decider, and throw. */
export function evolve(state: WebhookState, event: WebhookEvent): WebhookState {
  if (event.type === 'created') {
    if (state.kind !== 'absent') throw new Error('a webhook is created once');
    return {
      kind: 'present',
      webhook: {
        id: event.id,
        tenant: event.tenant,
        config: event.config,
        secrets: event.secret === null ? [] : [event.secret],
        status: { kind: 'active' },
        health: { consecutiveFailures: 0, coveredSequence: 0 },
        lastAutoDisabledAt: null,
        createdAt: event.at,
        updatedAt: event.at,
      },
    };
  }
  if (event.type === 'purged') {
    if (state.kind !== 'deleted') throw new Error('only a deleted webhook is purged');
    return { ...state, purged: true };
  }
  if (state.kind !== 'present') throw new Error(`${event.type} needs a webhook`);
  const { webhook } = state;
  if (event.type === 'deleted') {
    return { kind: 'deleted', id: webhook.id, tenant: webhook.tenant, at: event.at, purged: false };
  }
  return { kind: 'present', webhook: change(webhook, event) };
}

function change(webhook: Webhook, event: Exclude<WebhookEvent, { type: 'created' | 'deleted' | 'purged' }>): Webhook {
  switch (event.type) {
    case 'updated':
      return { ...webhook, config: event.config, updatedAt: event.at };
    case 'activated':
      return {
        ...webhook,
        status: { kind: 'active' },
        health: { ...webhook.health, consecutiveFailures: 0 },
        updatedAt: event.at,
      };
    case 'deactivated':
      return {
        ...webhook,
        status: { kind: 'inactive', reason: 'deactivated', since: event.at, detail: 'deactivated by request' },
        updatedAt: event.at,
      };
    case 'retired':
      return {
        ...webhook,
        status: { kind: 'inactive', reason: 'retired', since: event.at, detail: 'its job has ended' },
        updatedAt: event.at,
      };
    case 'secret_rotated':
      return { ...webhook, secrets: event.secrets, updatedAt: event.at };
    case 'health_recorded':
      return { ...webhook, health: event.health };
    case 'auto_disabled':
      return {
        ...webhook,
        health: event.health,
        status: { kind: 'inactive', reason: 'auto_disabled', since: event.at, detail: event.detail },
        lastAutoDisabledAt: event.at,
        updatedAt: event.at,
      };
    default:
      return unreachable(event);
  }
}
