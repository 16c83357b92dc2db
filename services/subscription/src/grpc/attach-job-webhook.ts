import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttachJobWebhookRequest,
  AttachJobWebhookResponseSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { jobWebhookIdOf, type TenantId } from '@grapnel/domain/ids';
import { tenantOf } from '@grapnel/rpc/auth';
import type { CallContext } from '@grapnel/rpc/server';
import type { CommandRejection } from '../command-webhook.ts';
import { type CreateContext, createWebhook } from '../create-webhook.ts';
import { confirmation } from '../recency.ts';
import { toMessage } from './mapping.ts';
import { full, refusal, storing } from './refusals.ts';

export interface AttachContext extends CreateContext {
  readonly maxWebhooksPerJob: number;
}

/** Every event of a job goes to each of them; retired ones are not counted. @throws RpcError */
export function checkRoomInJob(
  { directory, maxWebhooksPerJob }: Pick<AttachContext, 'directory' | 'maxWebhooksPerJob'>,
  tenant: TenantId,
  jobId: string,
): void {
  const { length } = directory.index.ofJob(tenant, jobId);
  if (length >= maxWebhooksPerJob) throw full(`at most ${maxWebhooksPerJob} webhooks per job`);
}

/**
 * A webhook of one job, for the producer that starts it (FC-06). Its id follows from job and URL: asking twice for the same
 * makes one, asking for something else is refused rather than ignored.
 */
export async function attachJobWebhook(
  context: AttachContext,
  call: CallContext,
  request: AttachJobWebhookRequest,
): Promise<MessageInitShape<typeof AttachJobWebhookResponseSchema>> {
  const tenant = tenantOf(call.principal);
  const { jobId, url } = request;
  const id = jobWebhookIdOf(tenant, jobId, url);
  await context.directory.caughtUp();
  if (context.directory.find(id).state.kind === 'absent') checkRoomInJob(context, tenant, jobId);
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
  await confirmation(context.clock);
  const { webhook, revision, secret } = made.value;
  return { webhook: toMessage(webhook, revision), accountSecret: secret ?? '' };
}

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
