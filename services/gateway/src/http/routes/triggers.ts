import { isExecutionId, isTriggerId } from '@grapnel/domain/ids';
import { violation } from '@grapnel/domain/violation';
import { HttpProblem } from '@grapnel/http-edge/problem';
import { z } from 'zod';
import { TEXTS } from '../../texts.ts';
import { parseSample } from '../../use-cases/parse-sample.ts';
import { executionJson, executionSummaryJson, triggerConfigMessage, triggerJson } from '../../views/trigger.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { queryNumber, text } from '../schemas/fields.ts';
import { NoBody } from '../schemas/no-body.ts';
import {
  CreateTrigger,
  Execution,
  ExecutionSummary,
  ParseSample,
  SamplePaths,
  Trigger,
  UpdateTrigger,
} from '../schemas/trigger.ts';
import { type Api, BEARER, type Routes, SUCCESS } from './api.ts';

/** 50 steps with bodies of 64 kB. */
const BODY_LIMIT = 4 * 1_048_576;
const SAMPLE_LIMIT = 512 * 1_024;

const params = z.object({
  triggerId: z
    .string()
    .describe('`id` of a trigger.')
    .meta({ examples: ['trg_06f8k2m1q9w3e5r7t0y2v4x6z8'] }),
});
const shared = { tags: ['Triggers'], security: BEARER };
const cursor = text({ min: 1, max: 1_024 }).optional().describe('`meta.next_cursor` of the page before.');
const limit = (max: number, usual: number) =>
  queryNumber({ min: 1, max }).optional().meta({ default: usual, description: 'Entries of one page.' });
const meta = z.object({ next_cursor: z.string().nullable() });

function checkTriggerId(id: string): void {
  if (!isTriggerId(id)) throw HttpProblem.notFound(TEXTS.triggerNotFound);
}

/** NB-01, NB-05: inbound URLs and what calls to them did. */
export function triggerRoutes(app: Routes, { backends, triggersUrl }: Api): void {
  const { triggers, executions } = backends;

  app.route({
    method: 'POST',
    url: '/triggers',
    bodyLimit: BODY_LIMIT,
    schema: {
      ...shared,
      operationId: 'createTrigger',
      summary: 'Create a trigger',
      description: 'Its URL is made by the system and cannot be guessed: whoever knows it can call.',
      body: CreateTrigger,
      response: { 201: answer('Created.', success(Trigger)), ...problems(400, 409, 413, 415) },
    },
    async handler(request, reply) {
      const { enabled = true, ...given } = request.body;
      const config = triggerConfigMessage(given);
      const made = await triggers.createTrigger({ config, disabled: !enabled }, callOptions(request, reply));
      void reply.code(201);
      return { ...SUCCESS, data: triggerJson(made, triggersUrl) };
    },
  });

  app.route({
    method: 'GET',
    url: '/triggers',
    schema: {
      ...shared,
      operationId: 'listTriggers',
      summary: 'List triggers',
      description: 'Newest first.',
      querystring: z.strictObject({ limit: limit(1_000, 100), cursor }),
      response: { 200: answer('One page.', success(z.array(Trigger)).extend({ meta })), ...problems(400) },
    },
    async handler(request, reply) {
      const { limit: pageSize = 0, cursor: pageToken = '' } = request.query;
      const page = await triggers.listTriggers({ pageSize, pageToken }, callOptions(request, reply));
      const data = page.triggers.map((each) => triggerJson(each, triggersUrl));
      return { ...SUCCESS, data, meta: { next_cursor: page.nextPageToken || null } };
    },
  });

  app.route({
    method: 'POST',
    url: '/triggers/parse-sample',
    bodyLimit: SAMPLE_LIMIT,
    schema: {
      ...shared,
      operationId: 'parseTriggerSample',
      summary: 'Find the paths in a sample',
      description: 'A URL, a query string or JSON becomes the list of paths that `mapping` can name.',
      body: ParseSample,
      response: { 200: answer('The paths, parents first.', success(SamplePaths)), ...problems(400, 413, 415) },
    },
    async handler(request) {
      const parsed = parseSample(request.body.sample);
      if (!parsed.ok) throw HttpProblem.invalid([violation('sample', 'INVALID_VALUE', parsed.error)]);
      return { ...SUCCESS, data: parsed.value };
    },
  });

  app.route({
    method: 'GET',
    url: '/triggers/:triggerId',
    schema: {
      ...shared,
      operationId: 'getTrigger',
      summary: 'Get a trigger',
      description: 'Every configured field, never the password.',
      params,
      response: { 200: answer('The trigger.', success(Trigger)), ...problems(404) },
    },
    async handler(request, reply) {
      const { triggerId } = request.params;
      checkTriggerId(triggerId);
      const found = await triggers.getTrigger({ triggerId }, callOptions(request, reply));
      return { ...SUCCESS, data: triggerJson(found, triggersUrl) };
    },
  });

  app.route({
    method: 'PUT',
    url: '/triggers/:triggerId',
    bodyLimit: BODY_LIMIT,
    schema: {
      ...shared,
      operationId: 'updateTrigger',
      summary: 'Change a trigger',
      description: 'Fields that are not given stay as they are. Flows under way go on as they began.',
      params,
      body: UpdateTrigger,
      response: { 200: answer('The trigger as it is now.', success(Trigger)), ...problems(400, 404, 409, 413, 415) },
    },
    async handler(request, reply) {
      const { triggerId } = request.params;
      checkTriggerId(triggerId);
      const config = triggerConfigMessage(request.body);
      const changed = await triggers.updateTrigger({ triggerId, config }, callOptions(request, reply));
      return { ...SUCCESS, data: triggerJson(changed, triggersUrl) };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/triggers/:triggerId',
    schema: {
      ...shared,
      operationId: 'deleteTrigger',
      summary: 'Delete a trigger',
      description: 'Its executions go with it.',
      params,
      body: NoBody,
      response: {
        200: answer('Deleted.', z.object({ success: z.literal(true) })),
        ...problems(400, 404, 409, 413, 415),
      },
    },
    async handler(request, reply) {
      const { triggerId } = request.params;
      checkTriggerId(triggerId);
      await triggers.deleteTrigger({ triggerId }, callOptions(request, reply));
      return SUCCESS;
    },
  });

  const switches = [
    ['enable', 'PUT', triggers.enableTrigger, 'Take calls', 'Enabling an enabled trigger changes nothing.'],
    ['disable', 'PUT', triggers.disableTrigger, 'Take no calls', 'Calls are answered 404 until it is enabled again.'],
    ['rotate-url', 'POST', triggers.rotateTriggerUrl, 'Make a new URL', 'The old one is answered 404 from then on.'],
  ] as const;
  for (const [verb, method, call, summary, description] of switches) {
    app.route({
      method,
      url: `/triggers/:triggerId/${verb}`,
      schema: {
        ...shared,
        operationId: verb === 'rotate-url' ? 'rotateTriggerUrl' : `${verb}Trigger`,
        summary,
        description,
        params,
        body: NoBody,
        response: { 200: answer('The trigger as it is now.', success(Trigger)), ...problems(400, 404, 409, 413, 415) },
      },
      async handler(request, reply) {
        const { triggerId } = request.params;
        checkTriggerId(triggerId);
        return { ...SUCCESS, data: triggerJson(await call({ triggerId }, callOptions(request, reply)), triggersUrl) };
      },
    });
  }

  app.route({
    method: 'GET',
    url: '/triggers/:triggerId/executions',
    schema: {
      ...shared,
      operationId: 'listExecutions',
      summary: 'List what calls of a trigger did',
      description: 'Runs of its flow, newest first.',
      params,
      querystring: z.strictObject({ limit: limit(100, 20), cursor }),
      response: {
        200: answer('One page.', success(z.array(ExecutionSummary)).extend({ meta })),
        ...problems(400, 404),
      },
    },
    async handler(request, reply) {
      const { triggerId } = request.params;
      checkTriggerId(triggerId);
      const { limit: pageSize = 0, cursor: pageToken = '' } = request.query;
      const options = callOptions(request, reply);
      // The owner knows whether there is such a trigger; the stream only what ran.
      await triggers.getTrigger({ triggerId }, options);
      const page = await executions.listExecutions({ triggerId, pageSize, pageToken }, options);
      const data = page.executions.map(executionSummaryJson);
      return { ...SUCCESS, data, meta: { next_cursor: page.nextPageToken || null } };
    },
  });

  app.route({
    method: 'GET',
    url: '/executions/:executionId',
    schema: {
      ...shared,
      operationId: 'getExecution',
      summary: 'Get an execution, step by step',
      description: 'What every step came to, as long as executions are kept (30 days by default).',
      params: z.object({ executionId: z.string().describe('`id` of an execution.') }),
      response: { 200: answer('The execution.', success(Execution)), ...problems(404) },
    },
    async handler(request, reply) {
      const { executionId } = request.params;
      if (!isExecutionId(executionId)) throw HttpProblem.notFound(TEXTS.executionNotFound);
      const found = await executions.getExecution({ executionId }, callOptions(request, reply));
      return { ...SUCCESS, data: executionJson(found) };
    },
  });
}
