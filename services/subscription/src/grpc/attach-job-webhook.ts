import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttachJobWebhookRequest,
  AttachJobWebhookResponseSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { jobWebhookIdOf } from '@grapnel/domain/ids';
import type { Webhook } from '@grapnel/domain/webhook/webhook';
import { tenantOf } from '@grapnel/rpc/auth';
import { Code, RpcError } from '@grapnel/rpc/errors';
import type { CallContext } from '@grapnel/rpc/server';
import type { CommandRejection } from '../command-webhook.ts';
import { type CreateContext, createWebhook } from '../create-webhook.ts';
import { toMessage } from './mapping.ts';
import { refusal, storing } from './refusals.ts';

/** A webhook of one job, for the producer that starts it (FC-06). Its id follows from job and URL: asking twice makes one. */
export async function attachJobWebhook(
  context: CreateContext,
  call: CallContext,
  request: AttachJobWebhookRequest,
): Promise<MessageInitShape<typeof AttachJobWebhookResponseSchema>> {
  const tenant = tenantOf(call.principal);
  const { jobId, url } = request;
  const id = jobWebhookIdOf(tenant, jobId, url);
  await context.directory.caughtUp();
  const { state, revision: known } = context.directory.find(id);
  if (state.kind === 'deleted') throw tooLate('this webhook of the job was deleted');
  if (state.kind === 'present') {
    if (isRetired(state.webhook)) throw tooLate('the job has ended');
    return { webhook: toMessage(state.webhook, known), accountSecret: '' };
  }
  const made = await storing(() =>
    createWebhook(context, tenant, id, {
      profile: 'firecrawl',
      name: `job ${jobId}`.slice(0, 255),
      url,
      jobId,
      ordering: 'job',
      // As the original takes it: an empty filter filters nothing.
      eventTypes: request.events === undefined || request.events.values.length === 0 ? ['*'] : request.events.values,
      customHeaders: { ...request.headers },
      metadata: request.metadata ?? {},
      includeWebhookId: request.includeWebhookId,
    }),
  );
  if (!made.ok) throw refusal(inTheseWords(made.error), id);
  const { webhook, revision, secret } = made.value;
  return { webhook: toMessage(webhook, revision), accountSecret: secret ?? '' };
}

const tooLate = (why: string): RpcError => new RpcError(Code.FAILED_PRECONDITION, `${why}; it gets no more events`);

const isRetired = ({ status }: Webhook): boolean => status.kind === 'inactive' && status.reason === 'retired';

/** The fields as this call names them; an event's place is left out, for short names have been spelt out by then. */
function inTheseWords(rejection: CommandRejection): CommandRejection {
  if (rejection.kind !== 'invalid') return rejection;
  const violations = rejection.violations.map((each) => ({
    ...each,
    field: each.field
      .replace(/^webhook_url$/, 'url')
      .replace(/^event_types(\[\d+\])?$/, 'events')
      .replace(/^custom_headers\b/, 'headers'),
  }));
  return { ...rejection, violations };
}
