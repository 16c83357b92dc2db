import { z } from 'zod';
import { TEXTS } from '../../texts.ts';
import { withItsTotals, withTotals } from '../../use-cases/webhooks.ts';
import { configMessage } from '../../views/webhook-config.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { count, queryNumber, text } from '../schemas/fields.ts';
import { CreateWebhook, UpdateWebhook, Webhook, WebhookCreated } from '../schemas/webhook.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS, WebhookParams } from './api.ts';

/** 10,000 task ids of 256 characters, and the rest. */
const BODY_LIMIT = 4 * 1_048_576;

const ListQuery = z.strictObject({
  limit: queryNumber({ min: 1, max: 1_000 }).optional().meta({ default: 1_000 }),
  cursor: text({ min: 1, max: 1_024 }).optional().describe('`meta.next_cursor` of the page before.'),
  job_id: text({ min: 1, max: 256 })
    .optional()
    .describe('Only webhooks attached to this job; absent: those of no job.'),
});

const shared = { tags: ['Webhooks'], security: BEARER };

/** AC-02 … AC-07. */
export function webhookRoutes(app: Routes, { backends }: Api): void {
  const { webhooks } = backends;

  app.route({
    method: 'POST',
    url: '/webhooks',
    bodyLimit: BODY_LIMIT,
    schema: {
      ...shared,
      operationId: 'createWebhook',
      summary: 'Create a webhook',
      description: 'The secret that signs its deliveries is shown in this answer and never again.',
      body: CreateWebhook,
      response: { 201: answer('Created.', success(WebhookCreated)), ...problems(400, 409, 413, 415) },
    },
    async handler(request, reply) {
      const { webhook, secret } = await webhooks.createWebhook(
        { config: configMessage(request.body) },
        callOptions(request, reply),
      );
      void reply.code(201);
      // Where the account's secret signs there is one to show only the first time.
      const message = secret === '' ? TEXTS.createdWithAccountSecret : TEXTS.created;
      const shown = secret === '' ? TEXTS.hiddenSecret : secret;
      return { ...SUCCESS, data: { webhook_id: webhook?.id ?? '', secret: shown, message } };
    },
  });

  app.route({
    method: 'GET',
    url: '/webhooks',
    schema: {
      ...shared,
      operationId: 'listWebhooks',
      summary: 'List webhooks',
      description: 'Newest first. Secrets are never shown.',
      querystring: ListQuery,
      response: {
        200: answer(
          'The webhooks.',
          success(z.array(Webhook)).extend({ meta: z.object({ limit: count, next_cursor: z.string().nullable() }) }),
        ),
        ...problems(400),
      },
    },
    async handler(request, reply) {
      const { limit = 1_000, cursor = '', job_id: jobId = '' } = request.query;
      const options = callOptions(request, reply);
      const page = await webhooks.listWebhooks({ pageSize: limit, pageToken: cursor, jobId }, options);
      return {
        ...SUCCESS,
        data: await withTotals(backends, page.webhooks, options, request.log),
        meta: { limit, next_cursor: page.nextPageToken === '' ? null : page.nextPageToken },
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId',
    schema: {
      ...shared,
      operationId: 'getWebhook',
      summary: 'Get a webhook',
      description: 'With its state and counters. Secrets and the password of its URL are not shown.',
      params: WebhookParams,
      response: { 200: answer('The webhook.', success(Webhook)), ...problems(404) },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const options = callOptions(request, reply);
      const webhook = await webhooks.getWebhook({ webhookId }, options);
      const data = await withItsTotals(backends, webhook, options, request.log);
      return { ...SUCCESS, data };
    },
  });

  app.route({
    method: 'PUT',
    url: '/webhooks/:webhookId',
    bodyLimit: BODY_LIMIT,
    schema: {
      ...shared,
      operationId: 'updateWebhook',
      summary: 'Change a webhook',
      description: 'Changes only the fields that are given. The secret has its own call.',
      params: WebhookParams,
      body: UpdateWebhook,
      response: {
        200: answer('The webhook as it is now.', success(Webhook).extend({ message: z.literal(TEXTS.updated) })),
        ...problems(400, 404, 409, 413, 415),
      },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const options = callOptions(request, reply);
      const webhook = await webhooks.updateWebhook({ webhookId, changes: configMessage(request.body) }, options);
      const data = await withItsTotals(backends, webhook, options, request.log);
      return { ...SUCCESS, message: TEXTS.updated, data };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/webhooks/:webhookId',
    schema: {
      ...shared,
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook',
      description: 'Its delivery history goes with it.',
      params: WebhookParams,
      response: {
        200: answer('Deleted.', z.object({ success: z.literal(true), message: z.literal(TEXTS.deleted) })),
        ...problems(404, 409),
      },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      await webhooks.deleteWebhook({ webhookId }, callOptions(request, reply));
      return { ...SUCCESS, message: TEXTS.deleted };
    },
  });
}
