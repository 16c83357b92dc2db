import { z } from 'zod';
import { templateText } from '../../views/webhook-config.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { webhookOptions } from '../schemas/webhook-options.ts';
import { type Api, BEARER, type Routes, SUCCESS } from './api.ts';

/** A template of 64 KB and sample data of 1 MB. */
const BODY_LIMIT = 2 * 1_048_576;

const PreviewTemplate = z
  .strictObject({
    payload_template: webhookOptions.payload_template,
    headers_template: webhookOptions.headers_template,
    event_type: z.string().meta({ examples: ['ACTOR.RUN.SUCCEEDED'] }),
    data: z.unknown().describe('The data of the sample event.'),
  })
  .meta({
    id: 'PreviewTemplate',
    examples: [
      {
        payload_template: { type: '{{eventType}}', task: '{{resource.taskId}}' },
        event_type: 'ACTOR.RUN.SUCCEEDED',
        data: { resource: { taskId: 'task-1' } },
      },
    ],
  });

const TemplatePreview = z
  .object({
    body: z.string().describe('The exact bytes, as text.'),
    headers: z.record(z.string(), z.string()).describe('Without the signature: there is no webhook yet.'),
  })
  .meta({ id: 'TemplatePreview' });

/** TH-11. */
export function templateRoutes(app: Routes, { backends: { webhooks } }: Api): void {
  app.route({
    method: 'POST',
    url: '/templates/preview',
    bodyLimit: BODY_LIMIT,
    schema: {
      tags: ['Templates'],
      security: BEARER,
      operationId: 'previewTemplate',
      summary: 'See what a template makes of an event',
      description: 'Nothing is stored or sent.',
      body: PreviewTemplate,
      response: { 200: answer('What would be sent.', success(TemplatePreview)), ...problems(400, 413, 415) },
    },
    async handler(request, reply) {
      const { payload_template: payload, headers_template: headers, event_type: eventType, data } = request.body;
      const preview = await webhooks.previewTemplate(
        {
          payloadTemplate: templateText(payload ?? null),
          headersTemplate: templateText(headers ?? null),
          eventType,
          data: Buffer.from(data === undefined ? '' : JSON.stringify(data)),
        },
        callOptions(request, reply),
      );
      return { ...SUCCESS, data: { body: Buffer.from(preview.body).toString(), headers: preview.headers } };
    },
  });
}
