import { z } from 'zod';
import { explanationJson } from '../../views/explanation.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { EventTypes, Explain, Explanation } from '../schemas/event.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS } from './api.ts';

const shared = { tags: ['Events'], security: BEARER };

/** AC-09, ST-07. */
export function eventRoutes(app: Routes, { backends }: Api): void {
  app.route({
    method: 'GET',
    url: '/webhook-events',
    schema: {
      ...shared,
      operationId: 'listEventTypes',
      summary: 'List the event types',
      description: 'What webhooks can subscribe to, by family.',
      response: { 200: answer('The catalogue.', success(EventTypes)), ...problems() },
    },
    async handler(request, reply) {
      const { eventTypes } = await backends.webhooks.listEventTypes({}, callOptions(request, reply));
      const categories = new Map<string, string[]>();
      for (const { name, category } of eventTypes)
        categories.set(category, [...(categories.get(category) ?? []), name]);
      return {
        ...SUCCESS,
        data: {
          event_types: eventTypes.map(({ name }) => name),
          categories: Object.fromEntries(categories),
          types: eventTypes.map(({ name, category, description, version, example, schema }) => ({
            ...{ name, category, description, version: Math.max(version, 1) },
            example: parsed(example) ?? null,
            ...(schema === '' ? {} : { schema: parsed(schema) }),
          })),
        },
      };
    },
  });

  app.route({
    method: 'POST',
    url: '/webhooks/explain',
    schema: {
      ...shared,
      operationId: 'explain',
      summary: 'Ask why an event would reach a webhook, or not',
      description: 'Judges an imagined event against the webhooks as they are now; nothing is sent.',
      body: Explain,
      response: { 200: answer('One verdict per webhook.', success(z.array(Explanation))), ...problems(400, 404, 415) },
    },
    async handler(request, reply) {
      const { type, job_id: jobId = '', task_id: taskId = '', webhook_id: webhookId = '', tags = [] } = request.body;
      const data = Buffer.from(request.body.data === undefined ? '' : JSON.stringify(request.body.data));
      if (webhookId !== '') checkWebhookId(webhookId);
      const { explanations } = await backends.webhooks.explain(
        { type, jobId, taskId, webhookId, tags, data },
        callOptions(request, reply),
      );
      return { ...SUCCESS, data: explanations.map(explanationJson) };
    },
  });
}

const parsed = (text: string): unknown => (text === '' ? undefined : JSON.parse(text));
