import { deliveryIdOf } from '@grapnel/domain/ids';
import { compactJson } from '@grapnel/domain/json';
import { parsedOnce } from '@grapnel/domain/profiles/parsed-once';
import { profileOf } from '@grapnel/domain/profiles/registry';
import { pythonJson } from '@grapnel/domain/python-json';
import { DEFAULTS, type ProfileName, type WebhookConfig } from '@grapnel/domain/webhook/config';

export interface Order {
  readonly profile: ProfileName;
  readonly type: string;
  readonly data: unknown;
  /** In force, newest first. */
  readonly secrets: readonly string[];
  readonly config?: Partial<WebhookConfig>;
  /** When the attempt is made; default: now. */
  readonly now?: number;
}

/** What goes over the wire. */
export interface SignedRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const EVENT_TIME = Date.parse('2025-01-15T08:30:00Z');

const TENANT = 'acme';
const EVENT_ID = 'evt_1';
const WEBHOOK_ID = 'wh_00000000000000000000000001';
export const DELIVERY_ID = deliveryIdOf(TENANT, EVENT_ID, WEBHOOK_ID);

/** The request that the platform makes of an event, by the same profiles that it makes it with. */
export function signedRequest({
  profile: name,
  type,
  data,
  secrets,
  config: changes,
  now = Date.now(),
}: Order): SignedRequest {
  const profile = profileOf(name);
  const config: WebhookConfig = {
    ...DEFAULTS,
    profile: name,
    name: 'a customer',
    url: 'https://example.com/hook',
    eventTypes: ['*'],
    ...changes,
  };
  const event = {
    id: EVENT_ID,
    tenant: TENANT,
    type,
    jobId: 'job-1',
    taskId: null,
    time: EVENT_TIME,
    acceptedAt: EVENT_TIME,
  };
  const text = compactJson(JSON.stringify(data));
  const rendered = profile.body({
    event,
    data: text,
    value: parsedOnce(text),
    webhookId: WEBHOOK_ID,
    config,
    lookalike: () => false,
  });
  if (!rendered.ok) throw new Error(rendered.error);
  const body = config.bodyEncoding === 'python_json' ? pythonJson(rendered.value) : rendered.value;
  const delivery = {
    id: DELIVERY_ID,
    eventType: type,
    ...(config.bodyFormat === 'cloudevents' ? { contentType: 'cloudevents' as const } : {}),
  };
  const { signatureHeader } = profile;
  const headers = profile.headers({ delivery, body: Buffer.from(body), secrets, now, signatureHeader });
  return { body, headers };
}
