import { TEXTS } from '../../texts.ts';
import { isoTime } from '../../views/time.ts';
import { callOptions } from '../calls.ts';
import { answer, problems, success } from '../schemas/answers.ts';
import {
  Account,
  AccountSecretMade,
  AttachJobWebhook,
  JobParams,
  JobWebhookAttached,
  RotateAccountSecret,
} from '../schemas/job-webhook.ts';
import { type Api, BEARER, type Routes, SUCCESS } from './api.ts';

/** FC-06, FC-07: webhooks of one job, and the account's secret that signs them. */
export function jobWebhookRoutes(app: Routes, { backends: { webhooks } }: Api): void {
  app.route({
    method: 'POST',
    url: '/jobs/:jobId/webhooks',
    schema: {
      tags: ['Job webhooks'],
      security: BEARER,
      operationId: 'attachJobWebhook',
      summary: 'Attach a webhook to a job',
      description:
        'For the producer that starts the job. The webhook sees the events of this job alone, in the `firecrawl` format, and is retired after the job has ended. The same URL for the same job again is the same webhook; with another configuration it is refused.',
      params: JobParams,
      body: AttachJobWebhook,
      response: { 201: answer('Attached.', success(JobWebhookAttached)), ...problems(400, 409, 413, 415) },
    },
    async handler(request, reply) {
      const { params, body } = request;
      const { jobId } = params;
      const given = typeof body === 'string' ? { url: body } : body;
      const { webhook, accountSecret } = await webhooks.attachJobWebhook(
        {
          jobId,
          url: given.url,
          headers: given.headers ?? {},
          ...(given.metadata !== undefined && { metadata: given.metadata }),
          ...(given.events !== undefined && { events: { values: given.events } }),
          includeWebhookId: given.includeWebhookId ?? false,
        },
        callOptions(request, reply),
      );
      void reply.code(201);
      const data = {
        webhook_id: webhook?.id ?? '',
        job_id: jobId,
        events: webhook?.config?.eventTypes?.values ?? [],
        account_secret: accountSecret === '' ? null : accountSecret,
        message: TEXTS.jobWebhookAttached,
      };
      return { ...SUCCESS, data };
    },
  });

  const account = { tags: ['Account'], security: BEARER };

  app.route({
    method: 'GET',
    url: '/account',
    schema: {
      ...account,
      operationId: 'getAccount',
      summary: 'Get the account',
      description:
        'Whether it has the secret that signs the deliveries of `firecrawl` webhooks; the secret itself is not shown.',
      response: { 200: answer('The account.', success(Account)), ...problems() },
    },
    async handler(request, reply) {
      const { hasSecret, secretCreatedAt } = await webhooks.getAccount({}, callOptions(request, reply));
      return { ...SUCCESS, data: { has_secret: hasSecret, secret_created_at: isoTime(secretCreatedAt) } };
    },
  });

  app.route({
    method: 'POST',
    url: '/account/rotate-secret',
    schema: {
      ...account,
      operationId: 'rotateAccountSecret',
      summary: 'Make a new account secret, or the first',
      description: 'It is shown in this answer only; one before it goes on signing beside it for the overlap.',
      body: RotateAccountSecret,
      response: { 200: answer('The new secret.', success(AccountSecretMade)), ...problems(400, 409, 413, 415) },
    },
    async handler(request, reply) {
      const overlapSeconds = request.body?.overlap_seconds;
      const { secret } = await webhooks.rotateAccountSecret(
        overlapSeconds === undefined ? {} : { overlapSeconds },
        callOptions(request, reply),
      );
      return { ...SUCCESS, data: { secret, message: TEXTS.accountSecretMade } };
    },
  });
}
