import { classifyStrict4xx } from '../delivery/classify.ts';
import { ok } from '../result.ts';
import { newestSignature } from '../security/signature.ts';
import type { Profile } from './profile.ts';

/** AnyCrawl: the event's bare data, one signature over the body, exponential backoff in minutes (AC-14 … AC-17). */
export const anycrawl: Profile = {
  name: 'anycrawl',
  eventTypes: null,
  defaults: { timeoutSeconds: 10, maxRetries: 3, retryDelaysSeconds: null },
  options: [],
  httpsOnly: false,
  secrets: 'hex',
  body: ({ data }) => ok(data),
  bodyPerWebhook: false,
  signatureHeader: 'X-AnyCrawl-Signature',
  headers: ({ delivery, body, secrets, now, signatureHeader }) => ({
    'Content-Type': 'application/json',
    [signatureHeader]: newestSignature(secrets, body),
    'X-Webhook-Event': delivery.eventType,
    'X-Webhook-Delivery-Id': delivery.id,
    'X-Webhook-Timestamp': new Date(now).toISOString(),
  }),
  classify: classifyStrict4xx,
  honoursRetryAfter: false,
  goneDisables: false,
  spreadsRetries: false,
};
