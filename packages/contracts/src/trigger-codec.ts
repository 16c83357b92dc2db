import { fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import type { Json } from '@grapnel/domain/json';
import { METHODS, type Method, type Step } from '@grapnel/domain/trigger/steps';
import type { Mapped, Mapping, Trigger, TriggerChanges, TriggerConfig } from '@grapnel/domain/trigger/trigger';
import { TRIGGER_DEFAULTS } from '@grapnel/domain/trigger/trigger';
import {
  type TriggerConfig as ConfigMessage,
  type Mapped as MappedMessage,
  TriggerConfig_Mode as Mode,
  type Step as StepMessage,
  type TriggerConfigSchema,
  type Trigger as TriggerMessage,
  type TriggerSchema,
} from './gen/grapnel/subscription/v1/trigger_pb.ts';

/** A configuration as it travels: without the password, in either direction. */
export type ConfigWithoutAuth = Omit<TriggerChanges, 'auth'>;

/** Only what the sender has set; an unset field is no change. */
export function triggerChangesFrom(config: ConfigMessage): ConfigWithoutAuth {
  const { name, description, mapping, mode, response, timeoutSeconds, flow } = config;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description: description === '' ? null : description }),
    ...(mapping === undefined ? {} : { mapping: mappingFrom(mapping) }),
    ...(mode === Mode.UNSPECIFIED ? {} : { mode: mode === Mode.SYNCHRONOUS ? 'synchronous' : 'asynchronous' }),
    ...(response === undefined
      ? {}
      : { response: { status: response.status, headers: { ...response.headers }, body: response.body } }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(flow === undefined ? {} : { steps: flow.steps.flatMap((step) => stepFrom(step) ?? []) }),
  };
}

const mappingFrom = (mapping: Record<keyof Mapping, readonly MappedMessage[]>): Mapping => ({
  headers: mapping.headers.map(mappedFrom),
  query: mapping.query.map(mappedFrom),
  body: mapping.body.map(mappedFrom),
});

const mappedFrom = ({ path, alias }: MappedMessage): Mapped => ({ path, alias: alias ?? null });

/** `null` for a kind of a newer version. */
function stepFrom({ label: given, kind }: StepMessage): Step | null {
  const label = given ?? null;
  switch (kind.case) {
    case 'condition': {
      const { expression, onTrue, onFalse } = kind.value;
      return { kind: 'condition', label, expression, onTrue, onFalse };
    }
    case 'callOut': {
      const { url, headers, body, timeoutSeconds, continueOnFailure } = kind.value;
      const method = METHODS.find((each) => each === kind.value.method) ?? ('POST' satisfies Method);
      const onFailure = continueOnFailure ? 'continue' : 'fail';
      return {
        ...{ kind: 'call_out', label, method, url, headers: { ...headers } },
        ...{ body: bodyFrom(body), timeoutSeconds, onFailure },
      };
    }
    case 'response': {
      const { status, headers, body } = kind.value;
      return { kind: 'response', label, status, headers: { ...headers }, body: bodyFrom(body) };
    }
    case 'end':
      return { kind: 'end', label };
    case undefined:
      return null;
  }
}

// In a message, google.protobuf.Value is a message; in an init it may be plain JSON.
type ValueMessage = NonNullable<Extract<StepMessage['kind'], { case: 'response' }>['value']['body']>;

function bodyFrom(body: ValueMessage | undefined): Json {
  return body === undefined ? null : (toJson(ValueSchema, body) as Json);
}

function configMessage(config: TriggerConfig): MessageInitShape<typeof TriggerConfigSchema> {
  return {
    name: config.name,
    description: config.description ?? '',
    ...(config.auth === null ? {} : { basicAuth: { username: config.auth.username } }),
    mapping: mappingMessage(config.mapping),
    mode: config.mode === 'synchronous' ? Mode.SYNCHRONOUS : Mode.ASYNCHRONOUS,
    response: { ...config.response, headers: { ...config.response.headers } },
    timeoutSeconds: config.timeoutSeconds,
    flow: { steps: config.steps.map(stepMessage) },
  };
}

function mappingMessage(mapping: Mapping) {
  const each = ({ path, alias }: Mapped) => ({ path, ...(alias === null ? {} : { alias }) });
  return { headers: mapping.headers.map(each), query: mapping.query.map(each), body: mapping.body.map(each) };
}

type StepInit = NonNullable<NonNullable<MessageInitShape<typeof TriggerConfigSchema>['flow']>['steps']>[number];

function stepMessage(step: Step): StepInit {
  const label = step.label === null ? {} : { label: step.label };
  switch (step.kind) {
    case 'condition': {
      const { expression, onTrue, onFalse } = step;
      return { ...label, kind: { case: 'condition', value: { expression, onTrue, onFalse } } };
    }
    case 'call_out': {
      const { method, url, headers, body, timeoutSeconds, onFailure } = step;
      const value = {
        method,
        url,
        headers: { ...headers },
        timeoutSeconds,
        continueOnFailure: onFailure === 'continue',
      };
      return { ...label, kind: { case: 'callOut', value: { ...value, ...bodyMessage(body) } } };
    }
    case 'response': {
      const { status, headers, body } = step;
      return { ...label, kind: { case: 'response', value: { status, headers: { ...headers }, ...bodyMessage(body) } } };
    }
    case 'end':
      return { ...label, kind: { case: 'end', value: {} } };
  }
}

const bodyMessage = (body: Json) => (body === null ? {} : { body: fromJson(ValueSchema, body as JsonValue) });

/** A trigger as its tenant and the edges see it: never with its password. */
export function triggerMessage(trigger: Trigger, revision: number): MessageInitShape<typeof TriggerSchema> {
  return {
    id: trigger.id,
    tenant: trigger.tenant,
    token: trigger.token,
    enabled: trigger.enabled,
    config: configMessage(trigger.config),
    createdAt: timestampFromMs(trigger.createdAt),
    updatedAt: timestampFromMs(trigger.updatedAt),
    revision: BigInt(revision),
  };
}

/** What {@link triggerMessage} wrote, with the name of the user and no password. */
export function triggerFrom(message: TriggerMessage): Omit<Trigger, 'config'> & { readonly config: ReadConfig } {
  const { config, createdAt, updatedAt } = message;
  const username = config?.basicAuth?.username ?? null;
  return {
    id: message.id as Trigger['id'],
    tenant: message.tenant,
    token: message.token,
    enabled: message.enabled,
    config: { name: '', ...TRIGGER_DEFAULTS, ...(config === undefined ? {} : triggerChangesFrom(config)), username },
    createdAt: createdAt === undefined ? 0 : timestampMs(createdAt),
    updatedAt: updatedAt === undefined ? 0 : timestampMs(updatedAt),
  };
}

/** A configuration as read: of the authentication, the user alone. */
export type ReadConfig = Omit<TriggerConfig, 'auth'> & { readonly username: string | null };
