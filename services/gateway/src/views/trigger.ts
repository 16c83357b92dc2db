import { fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  type Execution as ExecutionMessage,
  Execution_Status as Status,
} from '@grapnel/contracts/gen/grapnel/ingest/v1/execution_pb';
import {
  TriggerConfig_Mode as Mode,
  type TriggerConfigSchema,
  type Trigger as TriggerMessage,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/trigger_pb';
import { triggerFrom } from '@grapnel/contracts/trigger-codec';
import { CONTINUE, type Step } from '@grapnel/domain/trigger/steps';
import { TRIGGER_DEFAULTS } from '@grapnel/domain/trigger/trigger';
import type { z } from 'zod';
import type {
  Execution as ExecutionSchema,
  ExecutionSummary as SummarySchema,
  Trigger as TriggerSchema,
  UpdateTrigger,
} from '../http/schemas/trigger.ts';
import { isoTime, requiredTime } from './time.ts';

type Given = z.output<typeof UpdateTrigger>;
type GivenStep = NonNullable<Given['steps']>[number];
type ConfigInit = MessageInitShape<typeof TriggerConfigSchema>;
type StepInit = NonNullable<NonNullable<ConfigInit['flow']>['steps']>[number];

/** What a tenant wrote → what the subscription service takes; absent stays absent. */
export function triggerConfigMessage(given: Given): ConfigInit {
  const { basic_auth: auth, mapping, response } = given;
  return {
    ...(given.name !== undefined && { name: given.name }),
    ...(given.description !== undefined && { description: given.description ?? '' }),
    ...(auth !== undefined && {
      basicAuth: {
        username: auth?.username ?? '',
        ...(auth?.password !== undefined && { password: auth.password }),
      },
    }),
    ...(mapping !== undefined && {
      mapping: {
        headers: mappedMessages(mapping.headers),
        query: mappedMessages(mapping.query),
        body: mappedMessages(mapping.body),
      },
    }),
    ...(given.mode !== undefined && { mode: given.mode === 'synchronous' ? Mode.SYNCHRONOUS : Mode.ASYNCHRONOUS }),
    ...(response !== undefined && {
      response: {
        status: response.status ?? TRIGGER_DEFAULTS.response.status,
        headers: response.headers ?? {},
        body: response.body ?? TRIGGER_DEFAULTS.response.body,
      },
    }),
    ...(given.timeout_seconds !== undefined && { timeoutSeconds: given.timeout_seconds }),
    ...(given.steps !== undefined && { flow: { steps: given.steps.map(stepMessage) } }),
  };
}

const mappedMessages = (mapped: NonNullable<Given['mapping']>['headers'] = []) =>
  mapped.map(({ path, alias }) => ({ path, ...(typeof alias === 'string' && { alias }) }));

const CALL_OUT_SECONDS = 10;

function stepMessage(step: GivenStep): StepInit {
  const label = typeof step.label === 'string' ? { label: step.label } : {};
  switch (step.type) {
    case 'condition': {
      const { expression, on_true: onTrue = CONTINUE, on_false: onFalse = CONTINUE } = step;
      return { ...label, kind: { case: 'condition', value: { expression, onTrue, onFalse } } };
    }
    case 'call_out': {
      const value = {
        method: step.method ?? 'POST',
        url: step.url,
        headers: step.headers ?? {},
        timeoutSeconds: step.timeout_seconds ?? CALL_OUT_SECONDS,
        continueOnFailure: step.on_failure === 'continue',
        ...bodyMessage(step.body),
      };
      return { ...label, kind: { case: 'callOut', value } };
    }
    case 'response': {
      const value = { status: step.status ?? 200, headers: step.headers ?? {}, ...bodyMessage(step.body) };
      return { ...label, kind: { case: 'response', value } };
    }
    case 'end':
      return { ...label, kind: { case: 'end', value: {} } };
  }
}

/** Numbers that a double cannot hold become the nearest one: google.protobuf.Value has no others. */
const bodyMessage = (body: JsonValue | undefined) =>
  body === undefined || body === null
    ? {}
    : { body: fromJson(ValueSchema, JSON.parse(JSON.stringify(body)) as JsonValue) };

/** Every configured field, never a password. */
export function triggerJson(message: TriggerMessage, publicUrl: string | null): z.output<typeof TriggerSchema> {
  const { id, token, enabled, config } = triggerFrom(message);
  const path = `/triggers/${token}`;
  return {
    id,
    name: config.name,
    description: config.description,
    enabled,
    path,
    url: publicUrl === null ? null : `${publicUrl}${path}`,
    basic_auth: config.username === null ? null : { username: config.username },
    mapping: {
      headers: config.mapping.headers.map((mapped) => ({ ...mapped })),
      query: config.mapping.query.map((mapped) => ({ ...mapped })),
      body: config.mapping.body.map((mapped) => ({ ...mapped })),
    },
    mode: config.mode,
    response: { ...config.response, headers: { ...config.response.headers } },
    timeout_seconds: config.timeoutSeconds,
    steps: config.steps.map(stepJson),
    created_at: requiredTime(message.createdAt, 'created_at'),
    updated_at: requiredTime(message.updatedAt, 'updated_at'),
  };
}

function stepJson(step: Step): z.output<typeof TriggerSchema>['steps'][number] {
  const { kind: type, label } = step;
  switch (step.kind) {
    case 'condition':
      return { type, label, expression: step.expression, on_true: step.onTrue, on_false: step.onFalse };
    case 'call_out': {
      const { method, url, headers, body, timeoutSeconds, onFailure } = step;
      return { type, label, method, url, headers, body, timeout_seconds: timeoutSeconds, on_failure: onFailure };
    }
    case 'response':
      return { type, label, status: step.status, headers: step.headers, body: step.body };
    case 'end':
      return { type, label };
  }
}

export function executionSummaryJson(message: ExecutionMessage): z.output<typeof SummarySchema> {
  const { failure } = message;
  return {
    id: message.id,
    trigger_id: message.triggerId,
    event_id: message.eventId,
    mode: message.synchronous ? 'synchronous' : 'asynchronous',
    status: statusOf(message.status),
    response_status: message.responseStatus === 0 ? null : message.responseStatus,
    failure:
      failure === undefined ? null : { code: failure.code, message: failure.message, step: failure.step ?? null },
    started_at: requiredTime(message.startedAt, 'started_at'),
    ended_at: isoTime(message.endedAt),
  };
}

function statusOf(status: Status): 'running' | 'completed' | 'failed' {
  switch (status) {
    case Status.COMPLETED:
      return 'completed';
    case Status.FAILED:
      return 'failed';
    default:
      return 'running';
  }
}

export function executionJson(message: ExecutionMessage): z.output<typeof ExecutionSchema> {
  const steps = message.steps.map(({ step, kind, label, at, result }) => ({
    step,
    type: kind,
    label: label ?? null,
    at: requiredTime(at, 'at'),
    result: result === undefined ? null : toJson(ValueSchema, result),
  }));
  return { ...executionSummaryJson(message), steps };
}
