import { z } from 'zod';
import { TEXTS } from '../../texts.ts';
import { outcomeOfTest } from '../../use-cases/test-webhook.ts';
import { withItsTotals } from '../../use-cases/webhooks.ts';
import { expiries } from '../../views/webhook.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import { TestOutcome } from '../schemas/delivery.ts';
import { TestWebhook } from '../schemas/event.ts';
import { NoBody } from '../schemas/no-body.ts';
import { RotateSecret, SecretRotated, Webhook } from '../schemas/webhook.ts';
import { type Api, BEARER, checkWebhookId, type Routes, SUCCESS, WebhookParams } from './api.ts';

const shared = { tags: ['Webhooks'], security: BEARER, params: WebhookParams };

/** AC-06, AC-08, AC-10. */
export function webhookActionRoutes(app: Routes, { backends, clock, testWaitMs }: Api): void {
  const { webhooks } = backends;

  const switches = [
    {
      verb: 'activate',
      call: webhooks.activateWebhook,
      message: TEXTS.activated,
      description: 'Also sets `consecutive_failures` to 0. Activating an active webhook changes nothing else.',
    },
    {
      verb: 'deactivate',
      call: webhooks.deactivateWebhook,
      message: TEXTS.deactivated,
      description: 'Events of this time make no deliveries.',
    },
  ] as const;
  for (const { verb, call, message, description } of switches) {
    app.route({
      method: 'PUT',
      url: `/webhooks/:webhookId/${verb}`,
      schema: {
        ...shared,
        operationId: `${verb}Webhook`,
        summary: `${verb === 'activate' ? 'Activate' : 'Deactivate'} a webhook`,
        description,
        body: NoBody,
        response: {
          200: answer('The webhook as it is now.', success(Webhook).extend({ message: z.literal(message) })),
          ...problems(400, 404, 409, 413, 415),
        },
      },
      async handler(request, reply) {
        const { webhookId } = request.params;
        checkWebhookId(webhookId);
        const options = callOptions(request, reply);
        const webhook = await call({ webhookId }, options);
        const data = await withItsTotals(backends, webhook, options, request.log);
        return { ...SUCCESS, message, data };
      },
    });
  }

  app.route({
    method: 'POST',
    url: '/webhooks/:webhookId/test',
    schema: {
      ...shared,
      operationId: 'testWebhook',
      summary: 'Send a test',
      description:
        'Sends `webhook.test`, or the example of another type, to this webhook alone, also while it is inactive and ' +
        'whatever its event types. Waits a few seconds for the endpoint’s answer: `status` is `pending` when there is none by then.',
      body: TestWebhook,
      response: {
        200: answer(
          'What became of it.',
          success(TestOutcome).extend({ message: z.enum(Object.values(TEXTS.tested)) }),
        ),
        ...problems(400, 404, 413, 415),
      },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const eventType = request.body?.event_type ?? '';
      const options = callOptions(request, reply);
      const { deliveryId, eventId } = await webhooks.testWebhook({ webhookId, eventType }, options);
      const outcome = await outcomeOfTest(backends, { webhookId, deliveryId }, testWaitMs, options, clock);
      const status = outcome?.status ?? 'pending';
      const data = {
        delivery_id: deliveryId,
        event_id: eventId,
        status,
        response_status: outcome?.response_status ?? null,
        error_message: outcome?.error_message ?? null,
      };
      return { ...SUCCESS, message: TEXTS.tested[status], data };
    },
  });

  app.route({
    method: 'POST',
    url: '/webhooks/:webhookId/rotate-secret',
    schema: {
      ...shared,
      operationId: 'rotateWebhookSecret',
      summary: 'Make a new secret',
      description:
        'The old secret goes on signing beside the new one for the overlap. The new one is shown in this answer only.',
      body: RotateSecret,
      response: { 200: answer('The new secret.', success(SecretRotated)), ...problems(400, 404, 409, 413, 415) },
    },
    async handler(request, reply) {
      const { webhookId } = request.params;
      checkWebhookId(webhookId);
      const overlap = request.body?.overlap_seconds;
      const { webhook, secret } = await webhooks.rotateSecret(
        { webhookId, ...(overlap !== undefined && { overlapSeconds: overlap }) },
        callOptions(request, reply),
      );
      const expire = webhook === undefined ? [] : expiries(webhook);
      return {
        ...SUCCESS,
        data: { webhook_id: webhookId, secret, previous_secrets_expire_at: expire, message: TEXTS.rotated },
      };
    },
  });
}
