import { z } from 'zod';
import { explanationJson } from '../../views/explanation.ts';
import { timestampOf } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { EventAccepted, EventTypes, Explain, Explanation, PublishEvent } from '../schemas/event.ts';
import { parseTime } from '../schemas/fields.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS } from './api.ts';

/** Data of 1 MB may come with white space and escapes; what counts is its compact form, which ingest measures. */
const BODY_LIMIT = 3 * 1_048_576;

const shared = { tags: ['Events'], security: BEARER };

/** AC-09, ST-07, and the way in for producers that speak HTTP. */
export function eventRoutes(app: Routes, { backends }: Api): void {
  app.route({
    method: 'POST',
    url: '/events',
    bodyLimit: BODY_LIMIT,
    schema: {
      ...shared,
      operationId: 'publishEvent',
      summary: 'Publish an event',
      description: 'Answers after the event is stored, never before. After 503 or 504 send it again with the same id.',
      body: PublishEvent,
      response: { 202: answer('Stored.', success(EventAccepted)), ...problems(400, 413, 415) },
    },
    async handler(request, reply) {
      const { id = '', type, job_id: jobId = '', task_id: taskId = '', time, data } = request.body;
      const at = time === undefined ? null : parseTime(time);
      const event = {
        id,
        type,
        jobId,
        taskId,
        ...(at !== null && { time: timestampOf(at) }),
        data: Buffer.from(JSON.stringify(data)),
      };
      const { eventId, duplicate } = await backends.ingest.publish({ event }, callOptions(request, reply));
      void reply.code(202);
      return { ...SUCCESS, data: { event_id: eventId, duplicate } };
    },
  });

  app.route({
    method: 'GET',
    url: '/webhook-events',
    schema: {
      ...shared,
      operationId: 'listEventTypes',
      summary: 'List the event types',
      response: { 200: answer('The catalogue.', success(EventTypes)), ...problems() },
    },
    async handler(request, reply) {
      const { eventTypes } = await backends.webhooks.listEventTypes({}, callOptions(request, reply));
      const categories = new Map<string, string[]>();
      for (const { name, category } of eventTypes)
        categories.set(category, [...(categories.get(category) ?? []), name]);
      return {
        ...SUCCESS,
        data: { event_types: eventTypes.map(({ name }) => name), categories: Object.fromEntries(categories) },
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
      body: Explain,
      response: { 200: answer('One verdict per webhook.', success(z.array(Explanation))), ...problems(400, 404, 415) },
    },
    async handler(request, reply) {
      const { type, job_id: jobId = '', task_id: taskId = '', webhook_id: webhookId = '' } = request.body;
      if (webhookId !== '') checkWebhookId(webhookId);
      const { explanations } = await backends.webhooks.explain(
        { type, jobId, taskId, webhookId },
        callOptions(request, reply),
      );
      return { ...SUCCESS, data: explanations.map(explanationJson) };
    },
  });
}
