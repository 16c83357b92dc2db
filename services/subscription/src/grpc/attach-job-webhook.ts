import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttachJobWebhookRequest,
  AttachJobWebhookResponseSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { jobWebhookIdOf } from '@grapnel/domain/ids';
import { tenantOf } from '@grapnel/rpc/auth';
import { RpcError } from '@grapnel/rpc/errors';
import type { CallContext } from '@grapnel/rpc/server';
import { type CreateContext, createWebhook } from '../create-webhook.ts';
import { toMessage } from './mapping.ts';
import { refusal, storing } from './refusals.ts';

const MAX_JOB_CHARS = 256;

/** A webhook of one job, for the producer that starts it (FC-06). Its id follows from job and URL: asking twice makes one. */
export async function attachJobWebhook(
  context: CreateContext,
  call: CallContext,
  request: AttachJobWebhookRequest,
): Promise<MessageInitShape<typeof AttachJobWebhookResponseSchema>> {
  const tenant = tenantOf(call.principal);
  const { jobId, url } = request;
  if (jobId === '' || jobId.length > MAX_JOB_CHARS) {
    throw RpcError.invalid([
      { field: 'job_id', code: 'INVALID_VALUE', message: `must be 1 to ${MAX_JOB_CHARS} characters` },
    ]);
  }
  const id = jobWebhookIdOf(tenant, jobId, url);
  await context.directory.caughtUp();
  const known = context.directory.ofTenant(tenant, id);
  if (known !== null) return { webhook: toMessage(known.webhook, known.revision), accountSecret: '' };
  const made = await storing(() =>
    createWebhook(context, tenant, id, {
      profile: 'firecrawl',
      name: `job ${jobId}`.slice(0, 255),
      url,
      jobId,
      ordering: 'job',
      eventTypes: request.events?.values ?? ['*'],
      customHeaders: { ...request.headers },
      metadata: request.metadata ?? {},
      includeWebhookId: request.includeWebhookId,
    }),
  );
  if (!made.ok) throw refusal(made.error, id);
  const { webhook, revision, secret } = made.value;
  return { webhook: toMessage(webhook, revision), accountSecret: secret ?? '' };
}
