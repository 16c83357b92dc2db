import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  PreviewTemplateRequest,
  PreviewTemplateResponseSchema,
} from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import { acceptEvent, type Event } from '@grapnel/domain/event/event';
import type { EventTypes } from '@grapnel/domain/event-type/event-types';
import type { TenantId } from '@grapnel/domain/ids';
import { compactJson } from '@grapnel/domain/json';
import { parsedOnce } from '@grapnel/domain/profiles/parsed-once';
import type { BodyContext } from '@grapnel/domain/profiles/profile';
import { template } from '@grapnel/domain/profiles/template';
import { checkTemplates, templatedBody, templatedHeaders } from '@grapnel/domain/profiles/templated-body';
import { DEFAULTS, type WebhookConfig } from '@grapnel/domain/webhook/config';
import { RpcError } from '@grapnel/rpc/errors';

/** TH-11: what would be sent for a sample event, signature left out because there is no webhook yet. */
export function previewTemplate(
  request: PreviewTemplateRequest,
  tenant: TenantId,
  now: number,
  types: EventTypes,
): Promise<MessageInitShape<typeof PreviewTemplateResponseSchema>> {
  const config: WebhookConfig = {
    ...DEFAULTS,
    profile: 'template',
    name: 'preview',
    url: 'https://example.com',
    eventTypes: ['*'],
    payloadTemplate: request.payloadTemplate || null,
    headersTemplate: request.headersTemplate || null,
  };
  const event = sample(request, tenant, now, types);
  const wrong = checkTemplates(config, config);
  if (!event.ok) wrong.push(...event.error.map((each) => ({ ...each, field: FIELDS[each.field] ?? each.field })));
  if (!event.ok || wrong.length > 0) throw RpcError.invalid(wrong);

  const data = compactJson(new TextDecoder().decode(request.data));
  const context: BodyContext = {
    event: event.value,
    data,
    value: parsedOnce(data),
    webhookId: 'wh_preview',
    config,
    lookalike: () => false,
  };
  const body = templatedBody(context);
  const headers = templatedHeaders(context);
  if (!body.ok) throw refused('payload_template', body.error);
  if (!headers.ok) throw refused('headers_template', headers.error);
  const bytes = Buffer.from(body.value);
  const system = template.headers({
    delivery: { id: 'dlv_preview', eventType: event.value.type },
    body: bytes,
    secrets: [],
    now,
    signatureHeader: template.signatureHeader,
  });
  return Promise.resolve({ body: bytes, headers: { ...headers.value, ...system } });
}

const FIELDS: Readonly<Record<string, string>> = { type: 'event_type' };

function sample(request: PreviewTemplateRequest, tenant: TenantId, now: number, types: EventTypes) {
  const { eventType, data } = request;
  const input = { id: 'evt_preview', type: eventType, jobId: null, taskId: null, time: now, data };
  return acceptEvent(input, { tenant, now, newId: (): Event['id'] => 'evt_preview', types });
}

const refused = (field: string, message: string): RpcError =>
  RpcError.invalid([{ field, code: 'INVALID_VALUE', message }]);
