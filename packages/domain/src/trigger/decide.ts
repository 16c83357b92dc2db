import type { TenantId, TriggerId } from '../ids.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import type { Violation } from '../violation.ts';
import { checkTrigger } from './check-trigger.ts';
import type { TriggerPolicy } from './field-checks.ts';
import {
  TRIGGER_DEFAULTS,
  type Trigger,
  type TriggerChanges,
  type TriggerConfig,
  type TriggerEvent,
  type TriggerState,
} from './trigger.ts';

/** What a tenant can ask of a trigger; time, tokens and sealed passwords arrive as data. */
export type TriggerCommand =
  | {
      readonly type: 'create';
      readonly at: number;
      readonly id: TriggerId;
      readonly tenant: TenantId;
      readonly token: string;
      readonly enabled: boolean;
      readonly changes: TriggerChanges;
      readonly policy: TriggerPolicy;
    }
  | { readonly type: 'update'; readonly at: number; readonly changes: TriggerChanges; readonly policy: TriggerPolicy }
  | { readonly type: 'enable'; readonly at: number }
  | { readonly type: 'disable'; readonly at: number }
  | { readonly type: 'rotate_url'; readonly at: number; readonly token: string }
  | { readonly type: 'delete'; readonly at: number };

export type TriggerRejection =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/** What happens when `command` meets `state`: an event, `null` when nothing changes, or why it is refused. */
export function decideTrigger(
  state: TriggerState | null,
  command: TriggerCommand,
): Result<TriggerEvent | null, TriggerRejection> {
  if (command.type === 'create') {
    const { type: _, changes, policy, ...made } = command;
    const config: TriggerConfig = { name: '', ...TRIGGER_DEFAULTS, ...changes };
    const violations = checkTrigger(config, config, policy);
    return violations.length > 0 ? err({ kind: 'invalid', violations }) : ok({ type: 'created', ...made, config });
  }
  if (state?.kind !== 'present') return err({ kind: 'not_found' });
  const { trigger } = state;
  const { at } = command;
  switch (command.type) {
    case 'update':
      return updated(trigger, command.changes, command.policy, at);
    case 'enable':
      return ok(trigger.enabled ? null : { type: 'enabled', at });
    case 'disable':
      return ok(trigger.enabled ? { type: 'disabled', at } : null);
    case 'rotate_url':
      return ok({ type: 'url_rotated', at, token: command.token });
    case 'delete':
      return ok({ type: 'deleted', at });
    default:
      return unreachable(command);
  }
}

function updated(
  trigger: Trigger,
  changes: TriggerChanges,
  policy: TriggerPolicy,
  at: number,
): Result<TriggerEvent | null, TriggerRejection> {
  const config = { ...trigger.config, ...changes };
  const violations = checkTrigger(config, changes, policy);
  return violations.length > 0 ? err({ kind: 'invalid', violations }) : ok({ type: 'updated', at, config });
}

/** The state after `event`. Events that do not fit the state are bugs of the decider, and throw. */
export function evolveTrigger(state: TriggerState | null, event: TriggerEvent): TriggerState {
  if (event.type === 'created') {
    if (state !== null) throw new Error('a trigger is created once');
    const { type: _, at, ...made } = event;
    return { kind: 'present', trigger: { ...made, createdAt: at, updatedAt: at } };
  }
  if (state?.kind !== 'present') throw new Error(`${event.type} needs a trigger`);
  const trigger = { ...state.trigger, updatedAt: event.at };
  switch (event.type) {
    case 'updated':
      return { kind: 'present', trigger: { ...trigger, config: event.config } };
    case 'enabled':
      return { kind: 'present', trigger: { ...trigger, enabled: true } };
    case 'disabled':
      return { kind: 'present', trigger: { ...trigger, enabled: false } };
    case 'url_rotated':
      return { kind: 'present', trigger: { ...trigger, token: event.token } };
    case 'deleted':
      return { kind: 'deleted', id: trigger.id, tenant: trigger.tenant, at: event.at };
    default:
      return unreachable(event);
  }
}
