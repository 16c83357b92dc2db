import { endpointJson } from '../../views/endpoint.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { EndpointState } from '../schemas/endpoint.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS, WebhookParams } from './api.ts';

/** How the platform stands with the endpoint behind a webhook. */
export function endpointRoutes(app: Routes, { backends }: Api): void {
  app.route({
    method: 'GET',
    url: '/webhooks/:webhookId/endpoint',
    schema: {
      tags: ['Webhooks'],
      security: BEARER,
      params: WebhookParams,
      operationId: 'getEndpointState',
      summary: 'See how its endpoint is doing',
      description:
        'Whether deliveries are sent as they come or the endpoint is left alone for a while, and how many attempts it gets at once.',
      response: { 200: answer('The state at this moment.', success(EndpointState)), ...problems(404) },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const options = callOptions(request, reply);
      const webhook = await backends.webhooks.getWebhook({ webhookId }, options);
      return {
        ...SUCCESS,
        data: endpointJson(await backends.deliveries.getEndpoint({ webhookId: webhook.id }, options)),
      };
    },
  });
}
