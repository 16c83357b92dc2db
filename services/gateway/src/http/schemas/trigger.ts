import type { JsonValue } from '@bufbuild/protobuf';
import { METHODS } from '@grapnel/domain/trigger/steps';
import { TRIGGER_DEFAULTS, TRIGGER_LIMITS } from '@grapnel/domain/trigger/trigger';
import { z } from 'zod';
import { CustomHeaders } from './custom-headers.ts';
import { count, list, text, timestamp, wholeNumber } from './fields.ts';

const LIMITS = TRIGGER_LIMITS;
const EXAMPLE_ID = 'trg_06f8k2m1q9w3e5r7t0y2v4x6z8';

const Mapped = z.strictObject({
  path: text({ min: 1, max: 256 }).describe('A header’s name, or a path: `b.c`, `rows[].name`, `query[0].a`.'),
  alias: text({ min: 1, max: LIMITS.mapped.aliasChars })
    .nullable()
    .optional()
    .describe('The variable’s name; without one the value stays at its own path.'),
});
const mappedList = list(Mapped, LIMITS.mapped);

const Mapping = z
  .strictObject({ headers: mappedList.optional(), query: mappedList.optional(), body: mappedList.optional() })
  .describe('What of a call becomes variables. Without `body` the whole body is available.');

const label = text({ min: 1, max: LIMITS.steps.labelChars })
  .nullable()
  .optional()
  .describe('What conditions jump to; the result is `steps.<label>`.');
const target = text({ min: 1, max: LIMITS.steps.labelChars })
  .optional()
  .describe('`continue` (default), `end`, or the label of a later step.');

const body = z
  .custom<JsonValue>()
  .meta({ description: 'Text or any other JSON; `{{body.id}}` and the like are replaced in its strings.' });
const headers = CustomHeaders.optional();

const Step = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('condition'),
      label,
      expression: text({ min: 1, max: LIMITS.expression.max }).describe(
        'CEL over `headers`, `query`, `body` and `steps`, e.g. `body.status == "paid"`.',
      ),
      on_true: target,
      on_false: target,
    }),
    z.strictObject({
      type: z.literal('call_out'),
      label,
      method: z.enum(METHODS).optional(),
      url: text({ min: 1, max: 2_048 }),
      headers,
      body: body.optional(),
      timeout_seconds: wholeNumber(LIMITS.callOutSeconds).optional(),
      on_failure: z.enum(['fail', 'continue']).optional(),
    }),
    z.strictObject({
      type: z.literal('response'),
      label,
      status: wholeNumber(LIMITS.responseStatus).optional(),
      headers,
      body: body.optional(),
    }),
    z.strictObject({ type: z.literal('end'), label }),
  ],
  { error: 'must be condition, call_out, response or end' },
);

const fields = {
  name: text(LIMITS.name),
  description: text(LIMITS.description).nullable().optional(),
  basic_auth: z
    .strictObject({ username: text(LIMITS.username), password: text(LIMITS.password).optional() })
    .nullable()
    .optional()
    .describe('What callers must present; `null`: nothing. The password is never shown; left out, it stays.'),
  mapping: Mapping.optional(),
  mode: z
    .enum(['asynchronous', 'synchronous'])
    .optional()
    .describe('`synchronous`: the caller waits for the flow, whose response step answers.')
    .meta({ default: TRIGGER_DEFAULTS.mode }),
  response: z
    .strictObject({
      status: wholeNumber(LIMITS.responseStatus).optional(),
      headers,
      body: text(LIMITS.responseBody).optional(),
    })
    .optional()
    .describe('The answer of an asynchronous trigger.'),
  timeout_seconds: wholeNumber(LIMITS.timeoutSeconds).optional().describe('Of a synchronous trigger.'),
  steps: list(Step, LIMITS.steps).optional(),
};

export const CreateTrigger = z
  .strictObject({ ...fields, enabled: z.boolean().optional().meta({ default: true }) })
  .meta({
    id: 'CreateTrigger',
    examples: [
      {
        name: 'Payments',
        mode: 'synchronous',
        steps: [
          { type: 'condition', expression: 'body.status == "paid"', on_false: 'refuse' },
          { type: 'response', body: { order: '{{body.order_id}}', accepted: true } },
          { type: 'end' },
          { type: 'response', label: 'refuse', status: 402, body: 'not paid' },
        ],
      },
    ],
  });
export const UpdateTrigger = z.strictObject({ ...fields, name: fields.name.optional() }).meta({
  id: 'UpdateTrigger',
  examples: [{ mapping: { headers: [{ path: 'X-Request-Id', alias: 'request' }], body: [{ path: 'b.c' }] } }],
});

export const ParseSample = z
  .strictObject({ sample: text({ min: 1, max: 65_536 }).describe('A URL, a query string, or JSON.') })
  .meta({ id: 'ParseSample', examples: [{ sample: '{"a":1,"b":{"c":2}}' }] });
export const SamplePaths = z
  .object({ source: z.enum(['query', 'body']), paths: z.array(z.string()) })
  .meta({ examples: [{ source: 'body', paths: ['a', 'b', 'b.c'] }] });

const ShownMapped = z.object({ path: z.string(), alias: z.string().nullable() });
const shownHeaders = z.record(z.string(), z.string());

const ShownStep = z
  .looseObject({ type: z.enum(['condition', 'call_out', 'response', 'end']), label: z.string().nullable() })
  .meta({ description: 'As it was configured, defaults included.' });

export const Trigger = z
  .object({
    id: z.string().meta({ examples: [EXAMPLE_ID] }),
    name: z.string(),
    description: z.string().nullable(),
    enabled: z.boolean(),
    path: z.string().describe('Where callers POST to, on the host that takes events in.'),
    url: z.string().nullable().describe('The whole URL, where the operator has said which host that is.'),
    basic_auth: z.object({ username: z.string() }).nullable(),
    mapping: z.object({
      headers: z.array(ShownMapped),
      query: z.array(ShownMapped),
      body: z.array(ShownMapped),
    }),
    mode: z.enum(['asynchronous', 'synchronous']),
    response: z.object({ status: z.int(), headers: shownHeaders, body: z.string() }),
    timeout_seconds: z.int(),
    steps: z.array(ShownStep),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Trigger' });

const executionFields = {
  id: z.string(),
  trigger_id: z.string(),
  event_id: z.string(),
  mode: z.enum(['asynchronous', 'synchronous']),
  status: z.enum(['running', 'completed', 'failed']),
  response_status: z.int().nullable(),
  failure: z.object({ code: z.string(), message: z.string(), step: count.nullable() }).nullable(),
  started_at: timestamp,
  ended_at: timestamp.nullable(),
};
export const ExecutionSummary = z.object(executionFields).meta({ id: 'ExecutionSummary' });
export const Execution = z
  .object({
    ...executionFields,
    steps: z.array(
      z.object({
        step: count,
        type: z.string(),
        label: z.string().nullable(),
        at: timestamp,
        result: z.unknown().meta({ description: 'What the step came to.' }),
      }),
    ),
  })
  .meta({ id: 'Execution' });
