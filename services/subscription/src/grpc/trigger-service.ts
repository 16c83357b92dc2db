import {
  type TriggerConfig as ConfigMessage,
  TriggerService,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { triggerChangesFrom, triggerMessage } from '@grapnel/contracts/trigger-codec';
import { isTriggerId, type TriggerId } from '@grapnel/domain/ids';
import { ok, unreachable } from '@grapnel/domain/result';
import type { TriggerCommand } from '@grapnel/domain/trigger/decide';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import { pageByIds, pageSizeOf } from '@grapnel/rpc/paging';
import { type CallContext, type Registration, register } from '@grapnel/rpc/server';
import {
  commandTrigger,
  createTrigger,
  findTrigger,
  type GivenTrigger,
  MAX_TRIGGERS_PER_TENANT,
  newToken,
  type TriggerContext,
  type TriggerRefusal,
  triggersOf,
  updateTrigger,
  type VersionedTrigger,
} from '../triggers.ts';
import { contended, full, storing } from './refusals.ts';

const PAGE = { default: 100, max: 1_000 };

/** The gRPC edge of triggers, for their tenants. The decisions are the domain's. */
export function triggerService(context: TriggerContext): Registration {
  const { directory, streams, names, clock, entropy } = context;
  const existing = (call: CallContext, id: string): VersionedTrigger => {
    const found = isTriggerId(id) ? findTrigger(directory, tenantOf(call.principal), id) : null;
    if (found === null) throw RpcError.notFound('Trigger', id);
    return found;
  };
  const command = async (call: CallContext, id: string, made: TriggerCommand) => {
    const { trigger } = existing(call, id);
    const done = await storing(() => commandTrigger(context, trigger.tenant, trigger.id, () => ok(made)));
    if (!done.ok) throw refusal(done.error, id);
    return toMessage(done.value);
  };

  return register(TriggerService, 'tenant', {
    async createTrigger({ config, disabled }, call) {
      const made = await storing(() => createTrigger(context, tenantOf(call.principal), givenIn(config), !disabled));
      if (!made.ok) throw refusal(made.error, '');
      return toMessage(made.value);
    },

    async getTrigger({ triggerId }, call) {
      return toMessage(existing(call, triggerId));
    },

    async listTriggers(request, call) {
      const size = pageSizeOf(request, PAGE, isTriggerId);
      const all = triggersOf(directory, tenantOf(call.principal));
      const { entries, nextPageToken } = pageByIds(request, size, all, ({ trigger }) => trigger.id);
      return { triggers: entries.map(toMessage), nextPageToken };
    },

    async updateTrigger({ triggerId, config }, call) {
      const { trigger } = existing(call, triggerId);
      const done = await storing(() => updateTrigger(context, trigger.tenant, trigger.id, givenIn(config)));
      if (!done.ok) throw refusal(done.error, triggerId);
      return toMessage(done.value);
    },

    async deleteTrigger({ triggerId }, call) {
      const { trigger } = existing(call, triggerId);
      const { tenant, id } = trigger;
      const done = await storing(() => deleteTrigger(tenant, id));
      if (!done.ok && done.error.kind !== 'not_found') throw refusal(done.error, triggerId);
      return {};
    },

    enableTrigger: ({ triggerId }, call) => command(call, triggerId, { type: 'enable', at: clock.now() }),
    disableTrigger: ({ triggerId }, call) => command(call, triggerId, { type: 'disable', at: clock.now() }),
    rotateTriggerUrl: ({ triggerId }, call) =>
      command(call, triggerId, { type: 'rotate_url', at: clock.now(), token: newToken(entropy) }),
  });

  /** What ran for it goes with it. */
  async function deleteTrigger(tenant: string, id: TriggerId) {
    const done = await commandTrigger(context, tenant, id, () => ok({ type: 'delete', at: clock.now() }));
    // What is left is not found any more.
    if (!done.ok && done.error.kind !== 'not_found') return done;
    await streams.purge(names.streams.executions, names.subjects.executionsOf(tenant, id));
    return done;
  }
}

const toMessage = ({ trigger, revision }: VersionedTrigger) => triggerMessage(trigger, revision);

function givenIn(config: ConfigMessage | undefined): GivenTrigger {
  if (config === undefined) return { changes: {} };
  const changes = triggerChangesFrom(config);
  const { basicAuth } = config;
  if (basicAuth === undefined) return { changes };
  const { username, password } = basicAuth;
  return { changes, auth: username === '' && password === undefined ? null : { username, password: password ?? null } };
}

function refusal(why: TriggerRefusal, id: string): RpcError {
  switch (why.kind) {
    case 'not_found':
      return RpcError.notFound('Trigger', id);
    case 'invalid':
      return RpcError.invalid(why.violations);
    case 'contended':
      return contended();
    case 'too_many':
      return full(`at most ${MAX_TRIGGERS_PER_TENANT} triggers per tenant`);
    default:
      return unreachable(why);
  }
}
